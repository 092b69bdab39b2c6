package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/httpapitest"
)

// sink takes an answer as the server's connection would.
type sink struct {
	header http.Header
	status int
	bytes.Buffer
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }

// handled runs one request through everything but the network.
func (s *fixture) handled(b *testing.B, method, path, body string, want int) {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:1"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := sink{header: http.Header{}}
	if s.API.ServeHTTP(&w, r); w.status != want {
		b.Fatalf("%s %s: %d %s", method, path, w.status, w.String())
	}
}

// BenchmarkPing is what every answer costs before anything is done for it.
func BenchmarkPing(b *testing.B) {
	s := serve(b, func(o *httpapi.Options) { o.Frame.Logger = nil })
	for b.Loop() {
		s.handled(b, "GET", "/api/server/ping", "", 200)
	}
}

// BenchmarkPostMessage has a log in memory, and nobody waits for the read models: what is left is ours.
func BenchmarkPostMessage(b *testing.B) {
	s := serve(b, func(o *httpapi.Options) { o.Frame.Logger, o.Frame.Waiter = nil, nobody{} })
	body := jsonText(fields{"author_id": ann, "content": "hello there", "server_id": "0", "metadata": fields{"user_display_name": "Ann"}, "raw_message": fields{"text": "hello there"}})
	s.handled(b, "POST", chat+"/messages", body, 201)
	for b.Loop() {
		s.handled(b, "POST", chat+"/messages", body, 201)
	}
}

type nobody struct{}

func (nobody) Wait(context.Context, string, events.Position) error { return nil }

// BenchmarkReads are 50 of 10,000 messages, and 20 agents, each beside the bare SELECT through pgx and encoding/json.
func BenchmarkReads(b *testing.B) {
	s := serve(b, func(o *httpapi.Options) { o.Frame.Logger = nil })
	for i := range 20 {
		s.newAgent(fmt.Sprintf("Agent %d", i))
	}
	channel := uuid.MustParse(chat[strings.LastIndex(chat, "/")+1:])
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Is(201)
	for i := range 9_999 {
		must(b, httpapitest.Do(s.Env, commands.SubmitMessage{
			MessageID: frame.NewID(), ChannelID: channel, AuthorID: uuid.MustParse(ann), Content: fmt.Sprintf("message %d of a conversation", i),
			RawMessage: json.RawMessage(`{"text":"message","thought":"none","actions":["REPLY"]}`), Metadata: json.RawMessage(`{"user_display_name":"Ann"}`),
		}))
	}
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "last", "server_id": "0"}).Is(201)
	b.Run("messages", func(b *testing.B) {
		for b.Loop() {
			s.handled(b, "GET", chat+"/messages?limit=50", "", 200)
		}
	})
	b.Run("messages/bare", func(b *testing.B) {
		for b.Loop() {
			barely[plainMessage](b, s, `select id, channel_id, server_id, author_id, author_name, content, raw_message, metadata, source_type, in_reply_to, created_at, updated_at
				from messages where channel_id = $1 order by created_at desc, submitted desc limit 50`, channel)
		}
	})
	b.Run("agents", func(b *testing.B) {
		for b.Loop() {
			s.handled(b, "GET", "/api/agents", "", 200)
		}
	})
	b.Run("agents/bare", func(b *testing.B) {
		for b.Loop() {
			barely[plainAgent](b, s, `select id, name, name as character_name, summary as bio, running from agents order by running desc, id limit 1000`)
		}
	})
}

type plainMessage struct {
	ID, ChannelID, ServerID, AuthorID uuid.UUID
	AuthorName, Content               string
	RawMessage, Metadata              json.RawMessage
	SourceType                        *string
	InReplyTo                         *uuid.UUID
	CreatedAt, UpdatedAt              time.Time
}

type plainAgent struct {
	ID                       uuid.UUID
	Name, CharacterName, Bio string
	Running                  bool
}

func barely[T any](b *testing.B, s *fixture, sql string, args ...any) {
	rows, err := s.Pool.Query(context.Background(), sql, args...)
	must(b, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	must(b, err)
	_, err = json.Marshal(all)
	must(b, err)
}
