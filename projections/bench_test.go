package projections

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/esdb/esdbtest"
	"annals/projections/engine"
)

const caughtUp = 100_000

func ordinary() events.Event {
	return events.MessageSubmitted{
		MessageID: uuid.New(), ChannelID: uuid.Max, AuthorID: uuid.Nil, AuthorName: "Ann", SourceType: "eliza_gui",
		Content:  "A message of ordinary length, as people send them to each other all day long.",
		Metadata: json.RawMessage(`{"user_display_name":"Ann","channelType":"GROUP","isDm":false}`),
	}
}

// BenchmarkCatchUp fills tables that are there from the first fact on, all of them and those of the group core. Beside each is
// the fastest way that PostgreSQL has to take the same rows: COPY, one table after the other, and then their indexes.
func BenchmarkCatchUp(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(engine.GCPercent)) // as the command does
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(engine.MemoryLimit))
	log := esdbtest.New(b)
	var last events.Position
	for range caughtUp / 500 {
		facts := make([]events.Event, 500)
		for i := range facts {
			facts[i] = ordinary()
		}
		last = log.Record(events.MessageStream(uuid.New()), time.Now(), facts...)
	}
	rate := func(b *testing.B) float64 { return float64(caughtUp*b.N) / b.Elapsed().Seconds() }
	b.Run("decode only", func(b *testing.B) {
		for b.Loop() {
			for e, err := range log.Subscribe(b.Context(), 0, events.Filter{}) {
				must(b, err)
				if e.Position == last {
					break
				}
			}
		}
		b.ReportMetric(rate(b), "events/s")
	})
	for _, c := range []struct {
		name string
		of   []engine.Projection
	}{{"rebuild", All()}, {"rebuild core", Core()}} {
		b.Run(c.name, func(b *testing.B) {
			var copying time.Duration
			for b.Loop() {
				b.StopTimer()
				o := engine.Options{Store: log, Postgres: database(b), Log: uuid.New(), Projections: c.of, Logger: slog.New(slog.DiscardHandler)}
				b.StartTimer()
				must(b, engine.Rebuild(b.Context(), o, nil, nil))
				b.StopTimer()
				copying += copied(b, o)
				b.StartTimer()
			}
			b.ReportMetric(rate(b), "events/s")
			b.ReportMetric(100*copying.Seconds()/b.Elapsed().Seconds(), "%of-copy")
		})
	}
}

// copied is how long it takes to copy the rows that are shown into another database, from memory.
func copied(b *testing.B, o engine.Options) time.Duration {
	b.Helper()
	from, to := connect(b, o.Postgres), connect(b, database(b))
	execute(b, to, "set synchronous_commit = off")
	rows := map[string]*bytes.Buffer{}
	for _, p := range o.Projections {
		execute(b, to, p.Tables)
	}
	for _, table := range tablesIn(b, to) {
		rows[table] = new(bytes.Buffer)
		_, err := from.PgConn().CopyTo(b.Context(), rows[table], "copy (select * from "+engine.Views(o.Projections)+"."+table+") to stdout binary")
		must(b, err)
	}
	begun := time.Now()
	for table, row := range rows {
		_, err := to.PgConn().CopyFrom(b.Context(), row, "copy "+table+" from stdin binary")
		must(b, err)
	}
	for _, p := range o.Projections {
		execute(b, to, p.Indexes)
	}
	return time.Since(begun)
}

func BenchmarkAppendToCommit(b *testing.B) {
	log := esdbtest.New(b)
	f, _ := start(b, engine.Options{Store: log, Postgres: database(b), Log: uuid.New(), Projections: All()})
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

// BenchmarkApply writes events that are decoded already: messages, and memories each of which is followed by its vector.
func BenchmarkApply(b *testing.B) {
	vector := make([]byte, 4*384)
	for i := range vector {
		vector[i] = byte(i % 60)
	}
	for name, fact := range map[string]func(n int, id uuid.UUID) events.Event{
		"messages": func(int, uuid.UUID) events.Event { return ordinary() },
		"memories": func(n int, id uuid.UUID) events.Event {
			text := "What an agent remembers of a talk, at ordinary length, number " + strconv.Itoa(n/2)
			if n%2 == 0 {
				content, err := json.Marshal(map[string]string{"text": text})
				must(b, err)
				return events.MemoryStored{MemoryID: id, Table: "messages", Content: content, Metadata: json.RawMessage(`{"type":"message"}`)}
			}
			return events.MemoryEmbedded{MemoryID: id, Model: "hashing", Dimensions: 384, Vector: vector, TextHash: events.HashText(text)}
		},
	} {
		b.Run(name, func(b *testing.B) { applyAll(b, fact) })
	}
}

// applyAll writes events of which two have the same id each.
func applyAll(b *testing.B, fact func(n int, id uuid.UUID) events.Event) {
	all := make([]events.Recorded, caughtUp)
	var id uuid.UUID
	for i := range all {
		if i%2 == 0 {
			id = uuid.New()
		}
		e := fact(i, id)
		all[i] = events.Recorded{
			ID: uuid.New(), Stream: events.MessageStream(id), Position: events.Position(i + 1), Created: time.Now(), Event: e,
			Meta:   events.Metadata{At: time.Now()},
			Stored: events.Encoded{Type: e.EventType(), Data: make([]byte, 700), Metadata: make([]byte, 220)}, // about as sealed
		}
	}
	o := engine.PastOptions{
		Past: engine.Past{Schema: "applied"}, Projections: All(),
		Read: func(context.Context, events.Position) iter.Seq2[events.Recorded, error] {
			return func(yield func(events.Recorded, error) bool) {
				for _, e := range all {
					if !yield(e, nil) {
						return
					}
				}
			}
		},
	}
	for i := range o.Projections {
		o.Projections[i].Indexes = ""
	}
	for b.Loop() {
		b.StopTimer()
		o.Postgres = database(b)
		b.StartTimer()
		must(b, engine.FillPast(b.Context(), o, nil))
	}
	b.ReportMetric(float64(caughtUp*b.N)/b.Elapsed().Seconds(), "events/s")
}
