package live

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"annals/events"
)

// recorded records so many messages of a size, which can be read before the hub begins.
func (w *world) recorded(n, size int) (last events.Position) {
	w.t.Helper()
	filler := strings.Repeat("x", size)
	for range n {
		last = w.record(message(uuid.New(), filler))
	}
	w.hub.Begin(last)
	return last
}

// Clients that subscribe from the beginning and do not read hold little, however many subscriptions they have and however
// large the events are. Not parallel: it measures the heap of the process.
func TestClientsThatDoNotReadHoldLittleMemory(t *testing.T) {
	w := newWorld(t)
	w.recorded(90, 600<<10)
	for _, c := range []struct{ clients, subscriptions int }{{1, maxSubscriptions.Int()}, {12, 1}, {40, 4}} {
		before, most := inUse(), uint64(0)
		conns := make([]*client, c.clients)
		for i := range conns {
			conns[i] = w.dial()
			for id := range c.subscriptions {
				conns[i].send(fmt.Sprintf(`{"id":"%d","subscribe":{},"after":"%s"}`, id, w.token(0)))
			}
		}
		for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		t.Logf("%d clients with %d subscriptions: heap from %d to %d MiB", c.clients, c.subscriptions, before>>20, most>>20)
		if most > before+160<<20 || w.hub.replays.Held() > maxReplayOfClient.Value {
			t.Errorf("%d clients with %d subscriptions: heap from %d to %d MiB, %d bytes of replays",
				c.clients, c.subscriptions, before>>20, most>>20, w.hub.replays.Held())
		}
		for _, c := range conns {
			must(t, c.conn.Close())
		}
		eventually(t, "nothing is held for those who left", func() bool { return w.hub.replays.Held() == 0 })
	}
}

// counting counts the reads of a store.
type counting struct {
	events.Store
	reads *atomic.Int32
}

func (c counting) ReadAll(ctx context.Context, from events.Position, d events.Direction, f events.Filter) iter.Seq2[events.Recorded, error] {
	c.reads.Add(1)
	return c.Store.ReadAll(ctx, from, d, f)
}

// After a restart everybody comes back at about the same position: each hears exactly what it missed, and the log is read a
// few times for all of them.
func TestClientsThatResumeTogetherShareReadsOfTheLog(t *testing.T) {
	t.Parallel()
	const clients, missed = 400, 170
	var reads atomic.Int32
	w := newWorld(t, func(o *Options) { o.Store = counting{o.Store, &reads} })
	var all []string
	for i := range 3 * missed {
		all = append(all, w.token(w.record(message(uuid.New(), fmt.Sprint(i)))))
	}
	w.publish()
	var coming sync.WaitGroup
	for range clients {
		c, from := w.dial(), len(all)-missed+rand.IntN(20)
		coming.Go(func() {
			c.send(`{"subscribe":{},"after":"` + all[from-1] + `"}`)
			if got := positions(c.catchUp()...); !slices.Equal(got, all[from:]) {
				t.Errorf("after %d one heard %d events, not %d", from, len(got), len(all)-from)
			}
		})
	}
	coming.Wait()
	if n := reads.Load(); n > 20 {
		t.Errorf("the log was read %d times for %d clients", n, clients)
	}
	// What is published while somebody listens is not read for those who missed it.
	reads.Store(0)
	p := w.push(message(uuid.New(), "news"))
	if _, replayed := w.watch(`{"subscribe":{},"after":"` + all[len(all)-1] + `"}`); len(positions(replayed...)) != 1 || reads.Load() > 0 {
		t.Errorf("replayed was %+v after %d reads", replayed, reads.Load())
	}
	// What was kept shows what was erased meanwhile: it is read anew.
	w.push(events.SubjectErased{SubjectID: author})
	if w.watch(`{"subscribe":{},"after":"` + w.token(p-1) + `"}`); reads.Load() == 0 {
		t.Error("after an erasure nothing is read anew")
	}
}

func TestAClientThatDoesNotTakeWhatIsReplayedIsClosed(t *testing.T) {
	t.Parallel()
	w := &world{t: t, narrow: true, id: uuid.New()}
	w.log = newWorld(t).log
	w.start()
	w.hub.replayTime = 100 * time.Millisecond
	w.recorded(30, 600<<10)
	c := w.dial()
	c.send(`{"subscribe":{},"after":"` + w.token(0) + `"}`)
	eventually(t, "it is closed", func() bool { // which it is not before the hub knows of it
		w.hub.mu.Lock()
		defer w.hub.mu.Unlock()
		for _, c := range w.hub.connections {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.leaving != nil
		}
		return false
	})
	resume, err := "", error(nil)
	for err == nil {
		var h heard
		if h, err = c.read(); h.Position != "" {
			resume = h.Position
		}
	}
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != websocket.CloseTryAgainLater || closed.Text != "too slow; resume after "+resume {
		t.Errorf("after %s it was closed with %v", resume, err)
	}
}

// What comes in one burst, of an import perhaps, is more than may wait for a client: it does not make one slow that reads.
func TestABurstIsReplayedToThoseWhoReadAtTheirPace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	quick, _ := w.watch(`{"subscribe":{}}`)
	filtered, _ := w.watch(`{"subscribe":{"types":["LogOpened"]}}`)
	var all []string
	for range 120 {
		all = append(all, w.token(w.record(message(uuid.New(), strings.Repeat("x", 64<<10)))))
	}
	all = append(all, w.token(w.record(events.LogOpened{LogID: w.id})))
	w.publish()
	var got []string
	for len(got) < len(all) {
		got = append(got, positions(quick.next())...)
		if n := w.hub.replays.Held(); n > maxReplay.Value {
			t.Fatalf("%d bytes are being replayed", n)
		}
	}
	if !slices.Equal(got, all) {
		t.Errorf("%d events were heard, in another order than %d were recorded", len(got), len(all))
	}
	if h := filtered.next(); !slices.Equal(positions(h), all[len(all)-1:]) {
		t.Errorf("heard %.300s", h.raw)
	}
	last := w.token(w.push(message(uuid.New(), "live again")))
	if h := quick.next(); h.Position != last {
		t.Errorf("heard %.300s", h.raw)
	}
}

// Clients that fall behind live hold no more than there is for all of them: who holds most is broken off, and who keeps up
// hears everything.
func TestWhatWaitsForAllClientsIsBounded(t *testing.T) {
	t.Parallel()
	w := &world{t: t, narrow: true, id: uuid.New()}
	w.log = newWorld(t).log
	w.start()
	w.hub.Begin(0)
	quick, _ := w.watch(`{"subscribe":{}}`)
	const behind = 24
	for i := range behind {
		w.watch(fmt.Sprintf(`{"id":"%d","subscribe":{}}`, i)) // a frame each
	}
	for range 60 {
		p := w.token(w.push(message(uuid.New(), strings.Repeat("x", 64<<10))))
		if h := quick.next(); h.Position != p {
			t.Fatalf("who keeps up heard %.100s", h.raw)
		}
		if n := w.hub.queued.Load(); n > maxQueuedInAll.Value {
			t.Fatalf("%d bytes wait", n)
		}
	}
	eventually(t, "some of those who are behind are broken off", func() bool { return w.hub.Connected() < behind+1 })
}

func TestTheFiltersOfAConnectionAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.dial()
	long := `,"subscribe":{"types":["` + strings.Repeat("x", maxMessage.Int()-100) + `"]}}`
	fits := maxFilters.Int() / (maxMessage.Int() - 100)
	for i := range fits {
		c.send(fmt.Sprintf(`{"id":"%d"%s`, i, long))
		c.catchUp()
	}
	c.send(`{"id":"more"` + long)
	if h := c.next(); h.Error == nil || h.Error.Code != "RATE_LIMITED" {
		t.Errorf("heard %.100s", h.raw)
	}
	c.send(`{"id":"0"` + long) // in the place of what it had
	c.catchUp()
}
