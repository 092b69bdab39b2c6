package embedded_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"annals/events/embedded"
)

func payload(n int) []esdb.EventData {
	events := make([]esdb.EventData, n)
	for i := range events {
		events[i] = esdb.EventData{EventID: uuid.New(), EventType: "Measured", ContentType: esdb.ContentTypeBinary, Data: make([]byte, 500)}
	}
	return events
}

// BenchmarkAppend appends one event of 500 bytes at a time, each on disk before the next of its client.
func BenchmarkAppend(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) {
			n := startNode(b, embedded.Options{})
			n.append(b, "warm", payload(1)...)
			work := make(chan struct{}, b.N)
			for range b.N {
				work <- struct{}{}
			}
			close(work)
			var all sync.WaitGroup
			b.ResetTimer()
			for c := range clients {
				all.Go(func() {
					for range work {
						_, err := n.AppendToStream(b.Context(), fmt.Sprint("s", c), esdb.AppendToStreamOptions{}, payload(1)...)
						must(b, err)
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
		})
	}
}

// BenchmarkReadAll reads $all from its start.
func BenchmarkReadAll(b *testing.B) {
	n := startNode(b, embedded.Options{})
	for i := range 40 {
		n.append(b, fmt.Sprint("s", i), payload(500)...)
	}
	b.ResetTimer()
	events := 0
	for b.Loop() {
		s, err := n.ReadAll(b.Context(), esdb.ReadAllOptions{}, 1<<40)
		must(b, err)
		for {
			if _, err := s.Recv(); err != nil {
				break
			}
			events++
		}
		s.Close()
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkBatchesOf500 appends 500 events at a time from one client.
func BenchmarkBatchesOf500(b *testing.B) {
	n := startNode(b, embedded.Options{})
	for b.Loop() {
		n.append(b, "s", payload(500)...)
	}
	b.ReportMetric(float64(b.N)*500/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkLive measures from the begin of an append to the arrival at a subscription.
func BenchmarkLive(b *testing.B) {
	n := startNode(b, embedded.Options{})
	sub, err := n.SubscribeToAll(b.Context(), esdb.SubscribeToAllOptions{From: esdb.End{}})
	must(b, err)
	defer sub.Close()
	for sub.Recv().CaughtUp == nil {
	}
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		go func() {
			_, err := n.AppendToStream(b.Context(), "s", esdb.AppendToStreamOptions{}, payload(1)...)
			must(b, err)
		}()
		for sub.Recv().EventAppeared == nil {
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
}
