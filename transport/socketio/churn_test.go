package socketio

import (
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Clients that come and go, greeted or not, leave neither goroutines nor memory behind. Not in parallel: it counts what is
// there. ANNALS_SOAK=1 makes it 2,000 connections at a time for a minute, instead of 100 that come four times.
func TestConnectionsThatComeAndGoLeaveNothing(t *testing.T) {
	atOnce, lasts := 100, time.Duration(0)
	if os.Getenv("ANNALS_SOAK") != "" {
		atOnce, lasts = 2000, time.Minute
	}
	w := newWorld(t)
	channel := uuid.New()
	goroutines := runtime.NumGoroutine()
	w.churn(channel, atOnce, 0) // what is made once is made
	heap := w.quiet(goroutines)
	n := w.churn(channel, atOnce, lasts)
	after := w.quiet(goroutines)
	t.Logf("%d connections, %d at a time; heap before %d KiB, after %d KiB", n, atOnce, heap>>10, after>>10)
	if after > heap+heap/4+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", heap, after)
	}
	last := w.member(channel)
	last.say(channel, "still here")
	last.next("messageBroadcast")
}

// churn lets so many clients at a time come and go, each at least four times, and counts their connections.
func (w *world) churn(channel uuid.UUID, atOnce int, lasts time.Duration) int64 {
	end := time.Now().Add(lasts)
	var coming sync.WaitGroup
	var count atomic.Int64
	for range atOnce {
		coming.Go(func() {
			for n := 0; n < 4 || time.Now().Before(end); n++ {
				w.visit(channel)
				count.Add(1)
			}
		})
	}
	coming.Wait()
	return count.Load()
}

// visit comes, perhaps says who it is and joins, and leaves without a word.
func (w *world) visit(channel uuid.UUID) {
	c := w.dial()
	if rand.IntN(4) > 0 {
		c.send("40")
		c.read()
		c.send(`42["1",{"channelId":"` + channel.String() + `"}]`)
		c.send(`42["subscribe_logs"]`)
		if rand.IntN(2) > 0 {
			c.read()
		}
	}
	_ = c.conn.Close()
}

// quiet waits until nobody is left, and gives what the heap holds, in bytes.
func (w *world) quiet(goroutines int) uint64 {
	w.t.Helper()
	eventually(w.t, "they are gone", func() bool {
		w.hub.mu.Lock()
		defer w.hub.mu.Unlock()
		return len(w.hub.connections)+len(w.hub.rooms)+len(w.hub.watching)+len(w.hub.sending) == 0
	})
	eventually(w.t, "their goroutines are gone", func() bool { return runtime.NumGoroutine() <= goroutines+5 })
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
