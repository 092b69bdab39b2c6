package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// Each round makes and starts a thousand agents, 16 at once. What a start takes does not depend on how many were started before,
// and none of them meets another.
func BenchmarkStartingAgents(b *testing.B) {
	const agents, atOnce = 1000, 16
	s := inside(b, nil)
	for round := 0; b.Loop(); round++ {
		ids := make([]string, agents)
		for i := range ids {
			created := s.must(b, http.StatusCreated, http.MethodPost, "/api/agents", map[string]any{
				"characterJson": map[string]any{"name": fmt.Sprintf("Agent %d of %d", i, round), "bio": "Made for a benchmark."},
			})
			var made struct{ ID string }
			if err := created.data(&made); err != nil {
				b.Fatal(err)
			}
			ids[i] = made.ID
		}
		took := make([]time.Duration, agents)
		var refused atomic.Int64
		var starting errgroup.Group
		starting.SetLimit(atOnce)
		for i, id := range ids {
			starting.Go(func() error {
				began := time.Now()
				a, err := s.call(b.Context(), http.MethodPost, "/api/agents/"+id+"/start", nil)
				took[i] = time.Since(began)
				if err == nil && a.status != http.StatusOK {
					refused.Add(1)
				}
				return err
			})
		}
		if err := starting.Wait(); err != nil {
			b.Fatal(err)
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[agents/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[agents*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(refused.Load()), "refused")
		b.ReportMetric(float64((round+1)*agents), "agents")
	}
}
