package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/transport/models/glove"
)

type bareMemory struct {
	ID         uuid.UUID
	Collection string
	Content    json.RawMessage
	EntityID   uuid.UUID
	RoomID     uuid.UUID
	Metadata   json.RawMessage
	CreatedAt  time.Time
}

// BenchmarkSearchMemories searches by REST, beside the bare SQL by REST that finds the ten nearest with as many neighbours in sight, and
// tells how many of those that comparing each finds are among them.
func BenchmarkSearchMemories(b *testing.B) {
	n := setting("ANNALS_MEMORIES", 3000, 100_000)
	database := pgtest.New(b)
	s := inside(b, func(c *node.Config) { c.PostgresURL = database })
	agent := s.runningAgent(b, "Mnemosyne")
	s.imports(b, agent, vectored(n), n)
	s.embedded(b, agent, n)
	asked := sentence(n / 2)
	numbers := strings.ReplaceAll(fmt.Sprint(glove.Vector(asked)), " ", ",")
	conn, err := pgx.Connect(b.Context(), database)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(b.Context())) }()
	if _, err := conn.Exec(b.Context(), "alter database "+pgx.Identifier{conn.Config().Database}.Sanitize()+" set hnsw.ef_search = 200"); err != nil {
		b.Fatal(err)
	}
	bare := bareServer[bareMemory](b, database, `select m.id, m.collection, m.content, m.entity_id, m.room_id, m.metadata, m.created_at from (
		select id, embedding::vector(384) <=> $1::text::vector(384) as distance from vectors
		where dimensions = 384 order by embedding::vector(384) <=> $1::text::vector(384) limit 10) near
		join memories m on m.id = near.id order by near.distance`, numbers)
	path := "/api/memory/agents/" + agent + "/memories/search?limit=10&mode="
	for _, mode := range []string{"hybrid", "text", "semantic"} {
		b.Run(mode, func(b *testing.B) {
			beside(b, 1, get(s.client, path+mode+"&q="+url.QueryEscape(asked)), get(newClient(bare), "/"))
			if mode == "semantic" {
				b.ReportMetric(s.recall(b, path+mode+"&q=", n), "recall@10")
			}
		})
	}
}

// recall asks for some of n sentences, and compares with the nearest of all: what is as near as the tenth counts.
func (c *client) recall(b *testing.B, path string, n int) float64 {
	b.Helper()
	const questions, hits = 20, 10
	all := make([][]float32, n)
	for i := range all {
		all[i] = glove.Vector(sentence(i))
	}
	found := 0
	for k := range questions {
		asked := sentence(k * n / questions)
		near := make([]float64, n)
		for i := range all {
			near[i] = similarity(all[i], glove.Vector(asked))
		}
		slices.Sort(near)
		var got struct {
			Memories []struct{ Similarity float64 }
		}
		if err := c.must(b, http.StatusOK, http.MethodGet, path+url.QueryEscape(asked), nil).data(&got); err != nil {
			b.Fatal(err)
		}
		for _, m := range got.Memories {
			if m.Similarity >= near[n-hits]-1e-6 {
				found++
			}
		}
	}
	return float64(found) / (questions * hits)
}

func similarity(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// BenchmarkListMemories lists the newest 50 of 10,000 of a room, beside bare pgx and encoding/json. The real server: 112/s.
func BenchmarkListMemories(b *testing.B) {
	const n = 10_000
	database := pgtest.New(b)
	s := inside(b, func(c *node.Config) { c.PostgresURL = database })
	agent := s.runningAgent(b, "Mnemosyne")
	var file bytes.Buffer
	for i := range n { // nothing to embed
		fmt.Fprintf(&file, `{"type":"memory","data":{"createdAt":%d,"content":{"thought":%q}}}`+"\n", 1_700_000_000_000+i, sentence(i))
	}
	s.imports(b, agent, file.Bytes(), n)
	bare := bareServer[bareMemory](b, database, `select id, collection, content, entity_id, room_id, metadata, created_at from memories
		where room_id = $1 and hashtextextended(collection, 0) = hashtextextended('messages', 0) and collection = 'messages'
		order by created_at desc, stored desc limit 50`, agent)
	beside(b, 8, get(s.client, "/api/memory/agents/"+agent+"/rooms/"+agent+"/memories?limit=50"), get(newClient(bare), "/"))
}
