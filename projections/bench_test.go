package projections

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
	"annals/events/esdb/esdbtest"
)

const caughtUp = 100_000

func ordinary() events.Event {
	return events.MessageSubmitted{
		MessageID: uuid.New(), ChannelID: uuid.Max, AuthorID: uuid.Nil, AuthorName: "Ann", SourceType: "eliza_gui",
		Content:  "A message of ordinary length, as people send them to each other all day long.",
		Metadata: json.RawMessage(`{"user_display_name":"Ann","channelType":"GROUP","isDm":false}`),
	}
}

func BenchmarkCatchUp(b *testing.B) {
	log := esdbtest.New(b)
	var last events.Position
	for range caughtUp / 500 {
		facts := make([]events.Event, 500)
		for i := range facts {
			facts[i] = ordinary()
		}
		last = log.Record(events.MessageStream(uuid.New()), time.Now(), facts...)
	}
	rate := func(b *testing.B) { b.ReportMetric(float64(caughtUp*b.N)/b.Elapsed().Seconds(), "events/s") }
	b.Run("feed", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			url := database(b)
			b.StartTimer()
			f, stop := start(b, Options{Store: log, Postgres: url, Log: uuid.New(), Projections: All()})
			waitForAll(b, f, last)
			stop()
		}
		rate(b)
	})
	b.Run("decode only", func(b *testing.B) {
		for b.Loop() {
			for e, err := range log.Subscribe(b.Context(), 0, events.Filter{}) {
				must(b, err)
				if e.Position == last {
					break
				}
			}
		}
		rate(b)
	})
	b.Run("copy", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			conn := connect(b, database(b))
			_, err := conn.Exec(b.Context(), messages.Tables+";"+messages.Indexes, pgx.QueryExecModeSimpleProtocol)
			must(b, err)
			b.StartTimer()
			copyRows(b, conn)
		}
		rate(b)
	})
}

// copyRows is the fastest way that PostgreSQL has to take the same rows.
func copyRows(b *testing.B, conn *pgx.Conn) {
	columns := []string{
		"id", "channel_id", "server_id", "author_id", "author_name", "content", "metadata", "source_type", "by_agent",
		"created_at", "updated_at", "submitted", "revision", "position",
	}
	at := time.Now()
	n := 0
	_, err := conn.CopyFrom(b.Context(), pgx.Identifier{"messages"}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if n++; n > caughtUp {
			return nil, nil
		}
		m := ordinary().(events.MessageSubmitted)
		return []any{
			m.MessageID, m.ChannelID, m.ServerID, m.AuthorID, m.AuthorName, m.Content, m.Metadata, m.SourceType, m.ByAgent,
			at, at, n, 0, n,
		}, nil
	}))
	must(b, err)
}

func BenchmarkAppendToCommit(b *testing.B) {
	log := esdbtest.New(b)
	f, _ := start(b, Options{Store: log, Postgres: database(b), Log: uuid.New(), Projections: All()})
	waitForAll(b, f, 0)
	b.Run("append", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			log.Record(events.StreamID("message-"+strconv.Itoa(i)+"-a"), time.Now(), ordinary())
		}
	})
	b.Run("append and commit", func(b *testing.B) {
		for b.Loop() {
			waitForAll(b, f, log.Record(events.MessageStream(uuid.New()), time.Now(), ordinary()))
		}
	})
}

// BenchmarkApply writes events that are decoded already.
func BenchmarkApply(b *testing.B) {
	all := make([]events.Recorded, caughtUp)
	for i := range all {
		all[i] = events.Recorded{Position: events.Position(i + 1), Event: ordinary(), Meta: events.Metadata{At: time.Now()}}
	}
	for b.Loop() {
		b.StopTimer()
		url, log := database(b), uuid.New()
		conn := connect(b, url)
		must(b, prepare(b.Context(), conn, log, All()))
		p, err := readPlan(b.Context(), conn, log, All())
		must(b, err)
		config, err := pgx.ParseConfig(url)
		must(b, err)
		config.RuntimeParams["synchronous_commit"] = "off"
		var gens []*generation
		for _, g := range p.filling {
			gens = append(gens, g)
		}
		w, err := openWriter(b.Context(), config, gens, func(events.Position) {})
		must(b, err)
		b.StartTimer()
		for at := 0; at < len(all); at += batchEvents {
			must(b, w.commit(b.Context(), all[at:at+batchEvents]))
		}
		b.StopTimer()
		w.close(b.Context())
		b.StartTimer()
	}
	b.ReportMetric(float64(caughtUp*b.N)/b.Elapsed().Seconds(), "events/s")
}
