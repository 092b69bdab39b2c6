package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"annals/deploy/postgres/pgtest"
)

// BenchmarkPostWhileWatched posts 500 messages a second and tells the 99th percentile of the time that a POST takes, without
// and with 200 dashboards that watch everything.
func BenchmarkPostWhileWatched(b *testing.B) {
	p := spawn(b, "SERVER_PORT=0", "DATA_DIR="+b.TempDir(), "POSTGRES_URL="+pgtest.New(b))
	channel := p.channel(b, "GROUP")
	paced(b, p.client, channel) // warms up
	for b.Loop() {
		var alone, watched []time.Duration
		pushed := int64(0)
		for range rounds {
			alone = append(alone, paced(b, p.client, channel)...)
			received, leave := dashboards(b, p.client, 200)
			watched = append(watched, paced(b, p.client, channel)...)
			leave()
			pushed += received()
		}
		slices.Sort(alone)
		slices.Sort(watched)
		b.ReportMetric(millis(alone, 99), "p99-ms-alone")
		b.ReportMetric(millis(watched, 99), "p99-ms-watched")
		b.ReportMetric(millis(watched, 99)/millis(alone, 99), "times")
		b.ReportMetric(float64(pushed)/measured.Seconds()/1e6, "MB/s-pushed")
	}
	b.ReportMetric(0, "ns/op")
}

// paced posts at 500 a second, whether the answers have come or not, for a turn, and gives the times that they took.
func paced(b *testing.B, c *client, channel string) []time.Duration {
	b.Helper()
	var (
		mu      sync.Mutex
		took    []time.Duration
		posting sync.WaitGroup
	)
	ticks := time.NewTicker(time.Second / 500)
	defer ticks.Stop()
	for end := time.Now().Add(measured / rounds); time.Now().Before(end); <-ticks.C {
		posting.Go(func() {
			begun := time.Now()
			_, a, err := c.post(b.Context(), channel, "a message of some eighty characters, as people write them in such channels")
			if err != nil || a.status != http.StatusCreated {
				b.Errorf("%d %s: %v", a.status, a.body, err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(begun))
		})
	}
	posting.Wait()
	return took
}

// dashboards watch everything, and count the bytes that they get.
func dashboards(b *testing.B, c *client, n int) (received func() int64, leave func()) {
	b.Helper()
	var (
		total    atomic.Int64
		watching sync.WaitGroup
		conns    []*websocket.Conn
	)
	for range n {
		conn, res, err := websocket.DefaultDialer.DialContext(b.Context(), "ws"+strings.TrimPrefix(c.base, "http")+"/ws", nil)
		if err != nil {
			b.Fatal(err)
		}
		_ = res.Body.Close()
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"subscribe":{}}`)); err != nil {
			b.Fatal(err)
		}
		conns = append(conns, conn)
		watching.Go(func() {
			buffer := make([]byte, 64<<10)
			for {
				n, err := conn.UnderlyingConn().Read(buffer)
				total.Add(int64(n))
				if err != nil {
					return
				}
			}
		})
	}
	return total.Load, func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
		watching.Wait()
	}
}
