package projections

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

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
		must(b, prepare(b.Context(), conn, log, Core()))
		p, err := readPlan(b.Context(), conn, log, Core())
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
