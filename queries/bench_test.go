package queries_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
	"annals/projections"
	"annals/queries"
)

// manySaid are 10,000 messages in channel 9.
func manySaid(b *testing.B) *given {
	g := start(b)
	var p events.Position
	for i := range 20 {
		facts := make([]events.Event, 500)
		for j := range facts {
			facts[j] = events.MessageSubmitted{
				MessageID: uuid.New(), ChannelID: id(9), AuthorID: id(1), AuthorName: "Ann", SourceType: "eliza_gui",
				Content:    "A message of ordinary length, as people send them to each other all day long.",
				RawMessage: json.RawMessage(`{"text":"A message of ordinary length","attachments":[]}`),
				Metadata:   json.RawMessage(`{"user_display_name":"Ann","channelType":"GROUP","isDm":false}`),
			}
		}
		p = g.log.Record(events.MessageStream(id(byte(i))), g.now.Add(time.Duration(i)*time.Second), facts...)
	}
	must(b, g.feed.Wait(g.ctx, projections.GroupCore, p))
	_, err := g.pool.Exec(g.ctx, "analyze")
	must(b, err)
	return g
}

// bare does the same SELECT with pgx and encoding/json alone.
func bare[T any](b *testing.B, g *given, sql string, args ...any) {
	for b.Loop() {
		rows, err := g.pool.Query(b.Context(), sql, args...)
		must(b, err)
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		must(b, err)
		_, err = json.Marshal(all)
		must(b, err)
	}
}

type bareMessage struct {
	ID, ChannelID, AuthorID uuid.UUID
	Content                 string
	RawMessage              json.RawMessage
	SourceType, SourceID    *string
	Metadata                json.RawMessage
	InReplyTo               *uuid.UUID
	CreatedAt, UpdatedAt    time.Time
}

func BenchmarkFiftyOfTenThousandMessages(b *testing.B) {
	g := manySaid(b)
	b.Run("annals", func(b *testing.B) {
		for b.Loop() {
			all, err := g.MessagesIn(b.Context(), id(9), queries.Page{Limit: 50})
			must(b, err)
			_, err = json.Marshal(all)
			must(b, err)
		}
	})
	b.Run("bare", func(b *testing.B) {
		bare[bareMessage](b, g, `select id, channel_id, author_id, content, raw_message, source_type, source_id, metadata,
			in_reply_to, created_at, updated_at from messages where channel_id = $1 order by created_at desc, submitted desc limit 50`, id(9))
	})
}

type bareAgent struct {
	ID        uuid.UUID
	Name, Bio string
	Running   bool
}

func BenchmarkTwentyAgents(b *testing.B) {
	g := start(b)
	for i := range 20 {
		g.agent(byte(i), events.Character{Name: fmt.Sprintf("Agent number %d", i*7919%20), Bio: json.RawMessage(`["A line","Another"]`)})
	}
	b.Run("annals", func(b *testing.B) {
		for b.Loop() {
			all, err := g.Agents(b.Context())
			must(b, err)
			_, err = json.Marshal(all)
			must(b, err)
		}
	})
	b.Run("bare", func(b *testing.B) {
		bare[bareAgent](b, g, `select id, name, summary, running from agents order by running desc, name`)
	})
}
