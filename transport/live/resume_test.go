package live

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"annals/events"
)

// A watcher that is cut off again and again, at any moment, and resumes by position, hears everything once and in order.
func TestWhoResumesByPositionMissesNothingAndHearsNothingTwice(t *testing.T) {
	t.Parallel()
	const facts, watchers = 1000, 6
	w := newWorld(t)
	channels := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	var writing sync.WaitGroup
	var all []string
	writing.Go(func() {
		for i := range facts {
			all = append(all, w.token(w.record(message(channels[i%3], fmt.Sprint(i)))))
			if rand.IntN(3) == 0 {
				w.publish()
			}
		}
		w.publish()
	})
	heardBy := make([][]string, watchers)
	var watching sync.WaitGroup
	for i := range watchers {
		filter, wanted := `{}`, facts
		if i%2 == 1 {
			filter, wanted = `{"channels":["`+channels[0].String()+`"]}`, (facts+2)/3
		}
		watching.Go(func() { heardBy[i] = w.follow(filter, wanted) })
	}
	watching.Wait()
	writing.Wait()
	for i, got := range heardBy {
		want := all
		if i%2 == 1 {
			want = nil
			for j := 0; j < facts; j += 3 {
				want = append(want, all[j])
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("watcher %d heard %d facts, not %d in this order", i, len(got), len(want))
		}
	}
}

// follow hears so many facts over many connections, each of which it leaves after a while.
func (w *world) follow(filter string, wanted int) (got []string) {
	after := w.token(0)
	for len(got) < wanted {
		c := w.dial()
		c.send(`{"subscribe":` + filter + `,"after":"` + after + `"}`)
		for stay := 1 + rand.IntN(40); stay > 0 && len(got) < wanted; stay-- {
			h, err := c.read()
			if err != nil || h.Error != nil || h.Reset != "" {
				w.t.Errorf("after %s: %v %s", after, err, h.raw)
				return got
			}
			got = append(got, positions(h)...)
			if h.Position != "" {
				after = h.Position
			} else if h.CaughtUp != "" {
				after = h.CaughtUp
			}
		}
		_ = c.conn.Close()
	}
	return got
}

// A client that does not read is closed; nothing is left out of what it gets before, and the close message says where to go on.
func TestASlowClientIsClosedWithThePositionToResumeFrom(t *testing.T) {
	t.Parallel()
	w := &world{t: t, narrow: true, id: uuid.New()}
	w.log = newWorld(t).log
	w.start(func(o *Options) { o.Heartbeat = time.Hour })
	w.hub.Begin(0)
	slow, _ := w.watch(`{"subscribe":{}}`)
	quick, _ := w.watch(`{"subscribe":{"types":["LogOpened"]}}`)
	var all []string
	filler := strings.Repeat("x", 16<<10)
	for range maxQueuedFrames.Int() + 40 {
		all = append(all, w.token(w.push(message(uuid.New(), filler))))
	}
	var got []string
	var closed *websocket.CloseError
	for {
		h, err := slow.read()
		if errors.As(err, &closed) {
			break
		}
		must(t, err)
		got = append(got, positions(h)...)
	}
	resume := got[len(got)-1]
	if closed.Code != websocket.CloseTryAgainLater || closed.Text != "too slow; resume after "+resume {
		t.Errorf("after %s it was closed with %v", resume, closed)
	}
	_, replayed := w.watch(`{"subscribe":{},"after":"` + resume + `"}`)
	if got = append(got, positions(replayed...)...); fmt.Sprint(got) != fmt.Sprint(all) {
		t.Errorf("it heard %d facts of %d, or in another order", len(got), len(all))
	}
	opened := w.token(w.push(events.LogOpened{LogID: w.id}))
	if h := quick.next(); h.Position != opened {
		t.Errorf("somebody else heard %s", h.raw)
	}
}

// A replay goes no faster than its client: a long one does not make it slow.
func TestALongReplayWaitsForItsClient(t *testing.T) {
	t.Parallel()
	w := &world{t: t, narrow: true, id: uuid.New()}
	w.log = newWorld(t).log
	w.start()
	var all []string
	for i := range 30 { // each in a frame of its own, and more of them than may wait
		all = append(all, w.token(w.record(message(uuid.New(), fmt.Sprint(i)+strings.Repeat("x", 600<<10)))))
	}
	w.publish()
	w.hub.Begin(0)
	c := w.dial()
	c.send(`{"subscribe":{},"after":"` + w.token(0) + `"}`)
	eventually(t, "something waits for a client that does not read", func() bool { return w.hub.replays.Held() > 0 })
	var got []string
	for len(got) < len(all) {
		got = append(got, positions(c.next())...)
		if n := w.hub.replays.Held(); n > maxReplay.Value {
			t.Fatalf("%d bytes wait", n)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(all) {
		t.Errorf("replayed were %d of %d", len(got), len(all))
	}
}

// breaking is a store that is away once so many events were read.
type breaking struct {
	events.Store
	left *atomic.Int32
}

func (b breaking) ReadAll(ctx context.Context, from events.Position, d events.Direction, f events.Filter) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for e, err := range b.Store.ReadAll(ctx, from, d, f) {
			if b.left.Add(-1) == 0 {
				yield(events.Recorded{}, events.ErrUnavailable)
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func TestAReplayThatTheStoreDoesNotFinishIsResumed(t *testing.T) {
	t.Parallel()
	var left atomic.Int32
	left.Store(2*stretchEvents + 50)
	w := newWorld(t, func(o *Options) { o.Store = breaking{o.Store, &left} })
	var all []string
	for i := range 3 * stretchEvents {
		all = append(all, w.token(w.record(message(uuid.New(), fmt.Sprint(i)))))
	}
	w.publish()
	c := w.dial()
	c.send(`{"subscribe":{},"after":"` + w.token(0) + `"}`)
	c.next()
	var got []string
	h := c.next()
	for ; h.Error == nil; h = c.next() {
		got = append(got, positions(h)...)
	}
	if h.Error.Code != "DB_ERROR" {
		t.Errorf("heard %s", h.raw)
	}
	_, err := c.read()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || !strings.HasSuffix(closed.Text, "resume after "+got[len(got)-1]) {
		t.Errorf("closed with %v", err)
	}
	_, replayed := w.watch(`{"subscribe":{},"after":"` + got[len(got)-1] + `"}`)
	if got = append(got, positions(replayed...)...); fmt.Sprint(got) != fmt.Sprint(all) {
		t.Errorf("it heard %d facts of %d, or in another order", len(got), len(all))
	}
}

func TestAStoppingHubTellsEachClientWhereToResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.push(message(uuid.New(), "one"))
	upToDate, _ := w.watch(`{"subscribe":{}}`)
	second := w.push(message(uuid.New(), "two"))
	w.record(message(uuid.New(), "three")) // not readable yet: nobody has heard of it
	idle := w.dial()
	idle.send(`{"unsubscribe":true}`)
	idle.next()
	must(t, w.hub.Close())
	for _, c := range []struct {
		who  *client
		text string
	}{{upToDate, "stopping; resume after " + w.token(second)}, {idle, "stopping"}} {
		var err error
		var closed *websocket.CloseError
		for err == nil {
			_, err = c.who.read()
		}
		if !errors.As(err, &closed) || closed.Code != websocket.CloseGoingAway || closed.Text != c.text {
			t.Errorf("closed with %v, not %q", err, c.text)
		}
	}
	before := w.hub
	w.start()
	w.hub.Begin(0)
	w.published = 0
	w.publish()
	_, replayed := w.watch(`{"subscribe":{},"after":"` + w.token(first) + `"}`)
	if got := positions(replayed...); len(got) != 2 || got[0] != w.token(second) {
		t.Errorf("the next hub says %v", got)
	}
	must(t, before.Close()) // a second time, as a careful caller does
}

func TestAClientThatTakesNothingDoesNotHoldUpAStoppingHub(t *testing.T) {
	t.Parallel()
	w := &world{t: t, narrow: true, id: uuid.New()}
	w.log = newWorld(t).log
	w.start()
	w.hub.Begin(0)
	w.watch(`{"subscribe":{}}`)
	for range 20 {
		w.record(message(uuid.New(), strings.Repeat("x", 600<<10)))
	}
	w.publish()
	began := time.Now()
	must(t, w.hub.Close())
	if took := time.Since(began); took > 2*stopTimeout {
		t.Errorf("it took %s", took)
	}
}
