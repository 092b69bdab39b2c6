package live

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
)

// Clients that come and go, politely or not, while facts are pushed, leave nothing behind. Not in parallel: it counts what
// is there. ANNALS_SOAK=1 makes it 2,000 connections at a time for a minute, instead of 100 for as long as it takes to
// come and go twice.
func TestConnectionsThatComeAndGoLeaveNothingBehind(t *testing.T) {
	atOnce, lasts := 100, time.Duration(0)
	if os.Getenv("ANNALS_SOAK") != "" {
		atOnce, lasts = 2000, time.Minute
	}
	w := newWorld(t)
	for i := range 2 * stretchEvents {
		w.record(message(uuid.New(), fmt.Sprint(i)))
	}
	w.publish()
	w.churn(atOnce, 0) // what is made once is made
	heap := w.quiet()
	n := w.churn(atOnce, lasts)
	after := w.quiet()
	t.Logf("%d connections, %d at a time; heap before %d KiB, after %d KiB", n, atOnce, heap>>10, after>>10)
	if after > heap+heap/4+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", heap, after)
	}
}

// churn lets so many clients at a time come and go, each at least twice, and counts their connections.
func (w *world) churn(atOnce int, lasts time.Duration) int {
	end := time.Now().Add(lasts)
	done := make(chan struct{})
	var pushing, coming sync.WaitGroup
	pushing.Go(func() {
		for pause := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-done:
				pause.Stop()
				return
			case <-pause.C:
				w.push(message(uuid.New(), "while they come and go"))
			}
		}
	})
	var mu sync.Mutex
	count := 0
	for range atOnce {
		coming.Go(func() {
			for n := 0; n < 2 || time.Now().Before(end); n++ {
				w.visit()
				mu.Lock()
				count++
				mu.Unlock()
			}
		})
	}
	coming.Wait()
	close(done)
	pushing.Wait()
	return count
}

// visit comes, perhaps subscribes, hears a little, and leaves in one way or another.
func (w *world) visit() {
	conn, _, err := websocket.DefaultDialer.Dial(strings.Replace(w.url, "http", "ws", 1), nil)
	if err != nil {
		w.t.Error(err)
		return
	}
	c := newClient(w.t, conn)
	after := ""
	if rand.IntN(2) == 0 {
		after = `,"after":"` + w.token(0) + `"`
	}
	switch rand.IntN(4) {
	case 0: // leaves at once
	case 1: // in the midst of a replay
		c.send(`{"subscribe":{}` + after + `}`)
	default:
		c.send(`{"subscribe":{}` + after + `}`)
		for range 1 + rand.IntN(5) {
			_, _ = c.read()
		}
	}
	if rand.IntN(2) == 0 {
		_ = conn.WriteControl(websocket.CloseMessage, nil, time.Now().Add(patience))
	}
	_ = conn.Close()
}

// quiet waits until the hub knows that everybody has left and no goroutine serves a connection, and gives what the heap
// holds without the store, which grows with what is recorded.
func (w *world) quiet() (heap uint64) {
	w.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		w.hub.mu.Lock()
		n := len(w.hub.connections)
		w.hub.mu.Unlock()
		serving := servingGoroutines()
		if n == 0 && len(serving) == 0 {
			break
		}
		if time.Now().After(end) {
			w.t.Fatalf("%d connections are still there, and\n%s", n, strings.Join(serving, "\n\n"))
		}
	}
	w.log.Without(func() { heap = inUse() })
	return heap
}

// servingGoroutines are the stacks of those that have to do with connections of clients. Others, of the store, may come and
// go meanwhile.
func servingGoroutines() (all []string) {
	text := make([]byte, 16<<20)
	for stack := range strings.SplitSeq(string(text[:runtime.Stack(text, true)]), "\n\n") {
		for _, part := range []string{"olahol/melody", "gorilla/websocket", "net/http.(*conn)", "live.(*replay)", "live.(*connection)"} {
			if strings.Contains(stack, part) {
				all = append(all, stack)
				break
			}
		}
	}
	return all
}

// inUse is what the heap holds, in bytes.
func inUse() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
