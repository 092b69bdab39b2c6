package embedded_test

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
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

// BenchmarkAppend appends one event of 500 bytes at a time, each on disk before the next of its client, to a node and to a
// raw log by turns.
func BenchmarkAppend(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) {
			node, bare := startNode(b, embedded.Options{}).Client, startRawLog(b)
			round := 100 + 10*clients
			appendAll(b, node, clients, round) // warm
			appendAll(b, bare, clients, round)
			var ours, raw, oursCPU, rawCPU time.Duration
			for b.Loop() {
				before := cpu(b)
				ours += appendAll(b, node, clients, round)
				between := cpu(b)
				raw += appendAll(b, bare, clients, round)
				oursCPU += between - before
				rawCPU += cpu(b) - between
			}
			appends := float64(b.N * round)
			b.ReportMetric(appends/ours.Seconds(), "appends/s")
			b.ReportMetric(appends/raw.Seconds(), "raw-appends/s")
			b.ReportMetric(100*raw.Seconds()/ours.Seconds(), "%-of-raw")
			b.ReportMetric(float64(oursCPU.Microseconds())/appends, "cpu-µs")
			b.ReportMetric(float64(rawCPU.Microseconds())/appends, "raw-cpu-µs")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// cpu is the time that this process has computed, client and server: what others do on the machine does not count.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// appendAll tells how long it takes so many clients to make so many appends between them.
func appendAll(b *testing.B, client *esdb.Client, clients, appends int) time.Duration {
	work := make(chan struct{}, appends)
	for range appends {
		work <- struct{}{}
	}
	close(work)
	begin := time.Now()
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for range work {
				_, err := client.AppendToStream(b.Context(), fmt.Sprint("s", c), esdb.AppendToStreamOptions{}, payload(1)...)
				must(b, err)
			}
		})
	}
	all.Wait()
	return time.Since(begin)
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

// BenchmarkFiltered catches up with a tenth of the log by a prefix; the figure counts what is looked at.
func BenchmarkFiltered(b *testing.B) {
	n := startNode(b, embedded.Options{})
	const total = 20_000
	for i := range total / 100 {
		n.append(b, fmt.Sprintf("kind%d-%d", i%10, i), payload(100)...)
	}
	b.ResetTimer()
	for b.Loop() {
		sub, err := n.SubscribeToAll(b.Context(), esdb.SubscribeToAllOptions{
			From: esdb.Start{}, Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"kind3-"}},
		})
		must(b, err)
		got := 0
		for e := sub.Recv(); e.CaughtUp == nil; e = sub.Recv() {
			if e.EventAppeared != nil {
				got++
			}
		}
		must(b, sub.Close())
		equal(b, got, total/10)
	}
	b.ReportMetric(float64(b.N*total)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkRestart opens a log whose node was closed, up to the first answer.
func BenchmarkRestart(b *testing.B) {
	dir := b.TempDir()
	n := startNode(b, embedded.Options{Dir: dir})
	for i := range 100 {
		n.append(b, fmt.Sprint("s", i), payload(500)...)
	}
	var took time.Duration
	for b.Loop() {
		closeNode(b, n.Node)
		begin := time.Now()
		n = startNode(b, embedded.Options{Dir: dir})
		n.readOne(b)
		took += time.Since(begin)
	}
	b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ms/restart")
}
