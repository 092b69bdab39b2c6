package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"annals/commands"
)

// BenchmarkMemories stores over REST with 32 clients, lists 50 of 10,000 memories of a room beside the bare SELECT, and
// imports lines.
func BenchmarkMemories(b *testing.B) {
	s := serve(b, func(o *Options) { o.Logger = nil })
	agent := s.newAgent("Mnemosyne")
	path := "/api/agents/" + agent
	s.ask("POST", path+"/memories", fields{"text": "first"}).is(201)
	b.Run("store/32", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
		body := []byte(jsonText(fields{"content": fields{"text": "The green tea is in the kitchen."}, "tableName": "facts"}))
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url+path+"/memories", bytes.NewReader(body))
				must(b, err)
				r.Header.Set("Content-Type", "application/json")
				answer, err := client.Do(r)
				must(b, err)
				if _ = answer.Body.Close(); answer.StatusCode != http.StatusCreated {
					b.Fatal(answer.Status)
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "memories/s")
	})
	room := s.ask("POST", path+"/rooms", fields{"name": "Study"}).is(201).text("id")
	for i := range 10_000 {
		must(b, do(s.bus, &commands.StoreMemory{
			MemoryID: newID(), AgentID: mustID(b, agent), RoomID: mustID(b, room), EntityID: mustID(b, ann), Table: "messages",
			Content: json.RawMessage(fmt.Sprintf(`{"text":"message %d of a conversation","source":"client_chat"}`, i)), Metadata: json.RawMessage(`{"type":"message"}`), Unique: true,
		}))
	}
	s.ask("POST", path+"/memories", fields{"text": "last", "roomId": room}).is(201)
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			s.handled(b, "GET", path+"/rooms/"+room+"/memories?limit=50", "", 200)
		}
	})
	b.Run("list/bare", func(b *testing.B) {
		for b.Loop() {
			barely[plainMemory](b, s, `select id, agent_id, room_id, entity_id, collection, content, metadata, is_unique from memories
				where room_id = $1 and hashtextextended(collection, 0) = hashtextextended('messages', 0) and collection = 'messages' order by created_at desc, stored desc limit 50`, uuid.MustParse(room))
		}
	})
	b.Run("import", func(b *testing.B) {
		var lines bytes.Buffer
		for range b.N {
			fmt.Fprintf(&lines, `{"type":"memory","data":{"id":%q,"content":{"text":"The green tea is in the kitchen."}}}`+"\n", newID())
		}
		b.ResetTimer()
		s.handled(b, "POST", "/api/memory/agents/"+agent+"/import?format=ndjson", lines.String(), 200)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "memories/s")
	})
}

type plainMemory struct {
	ID, AgentID, RoomID, EntityID uuid.UUID
	Collection                    string
	Content, Metadata             json.RawMessage
	IsUnique                      bool
}
