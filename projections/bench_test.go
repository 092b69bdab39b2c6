package projections

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"runtime/debug"
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

// BenchmarkCatchUp fills tables that are there from the first fact on, all of them and those of the group core. Beside each is
// the fastest way that PostgreSQL has to take the same rows: COPY, one table after the other, and then their indexes.
func BenchmarkCatchUp(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(GCPercent)) // as the command does
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(MemoryLimit))
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
		of   []Projection
	}{{"rebuild", All()}, {"rebuild core", Core()}} {
		b.Run(c.name, func(b *testing.B) {
			var copying time.Duration
			for b.Loop() {
				b.StopTimer()
				o := Options{Store: log, Postgres: database(b), Log: uuid.New(), Projections: c.of, Logger: slog.New(slog.DiscardHandler)}
				must(b, prepare(b.Context(), connect(b, o.Postgres), o.Log, o.Projections))
				b.StartTimer()
				must(b, Rebuild(b.Context(), o, nil, nil))
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
func copied(b *testing.B, o Options) time.Duration {
	b.Helper()
	from, to := connect(b, o.Postgres), connect(b, database(b))
	must(b, prepare(b.Context(), to, o.Log, o.Projections))
	p, err := readPlan(b.Context(), to, o.Log, o.Projections)
	must(b, err)
	_, err = to.Exec(b.Context(), "set synchronous_commit = off")
	must(b, err)
	rows := map[string]*bytes.Buffer{}
	for _, g := range p.filling {
		tables, err := tablesOf(b.Context(), to, g.schema())
		must(b, err)
		for _, t := range tables {
			table := pgx.Identifier{g.schema(), t.name}.Sanitize()
			rows[table] = new(bytes.Buffer)
			_, err := from.PgConn().CopyTo(b.Context(), rows[table], "copy (select * from "+pgx.Identifier{Views(o.Projections), t.name}.Sanitize()+") to stdout binary")
			must(b, err)
		}
	}
	begun := time.Now()
	for table, row := range rows {
		_, err := to.PgConn().CopyFrom(b.Context(), row, "copy "+table+" from stdin binary")
		must(b, err)
	}
	for _, g := range p.filling {
		must(b, pgx.BeginFunc(b.Context(), to, func(tx pgx.Tx) error { return within(b.Context(), tx, g, g.Indexes) }))
	}
	return time.Since(begun)
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
		all[i] = events.Recorded{
			ID: uuid.New(), Stream: events.MessageStream(uuid.New()), Position: events.Position(i + 1), Created: time.Now(),
			Event: ordinary(), Meta: events.Metadata{At: time.Now()},
			Stored: events.Encoded{Type: "MessageSubmitted", Data: make([]byte, 700), Metadata: make([]byte, 220)}, // about as sealed
		}
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
