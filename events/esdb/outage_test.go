package esdb_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"annals/events"
	"annals/events/esdb"
)

// callers append, one fact after another, each to a stream of its own, repeating what the outage refused.
type callers struct {
	sync.WaitGroup
	mu       sync.Mutex
	recorded map[uuid.UUID]bool
	late     []time.Duration
	refused  int
}

// patience of one call, and how much later it may return on a machine that others use too.
const (
	patience = 500 * time.Millisecond
	slack    = 500 * time.Millisecond
)

func (c *callers) run(ctx context.Context, t *testing.T, s *esdb.Store) {
	for ctx.Err() == nil {
		id := uuid.New()
		fact := started(id)
		for {
			began := time.Now()
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			_, err := s.Append(limited, events.AgentStream(id), events.NoStream, fact)
			cancel()
			c.mu.Lock()
			if took := time.Since(began); took > patience+slack {
				c.late = append(c.late, took)
			}
			if err == nil {
				c.recorded[fact.ID] = true
			} else {
				c.refused++
			}
			c.mu.Unlock()
			if err == nil {
				break
			}
			if !errors.Is(err, events.ErrUnavailable) {
				t.Errorf("an append during an outage failed with %v", err)
				return
			}
		}
	}
}

func (c *callers) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.recorded)
}

// watcher follows the log and notes what comes.
type watcher struct {
	mu      sync.Mutex
	seen    map[uuid.UUID]int
	outages int
	order   bool // positions ascended strictly
	last    events.Position
}

func (w *watcher) run(ctx context.Context, s *esdb.Store) {
	for r, err := range s.Subscribe(ctx, 0, events.Filter{Types: []string{"AgentStarted"}}) {
		w.mu.Lock()
		if err != nil {
			w.outages++
		} else {
			w.seen[r.ID]++
			w.order = w.order && r.Position > w.last
			w.last = r.Position
		}
		w.mu.Unlock()
	}
}

func (w *watcher) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 20 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestNodeAwayForFourSecondsHurtsNobody(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	n := startNode(t)
	s, err := esdb.Open(t.Context(), esdb.Options{Socket: n.socket, Codec: codec(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	appending, stop := context.WithCancel(ctx)
	defer stop()

	c := &callers{recorded: map[uuid.UUID]bool{}}
	for range 32 {
		c.Go(func() { c.run(appending, t, s) })
	}
	watchers := make([]*watcher, 8)
	var watching sync.WaitGroup
	for i := range watchers {
		watchers[i] = &watcher{seen: map[uuid.UUID]int{}, order: true}
		watching.Go(func() { watchers[i].run(ctx, s) })
	}
	eventually(t, "32 callers append", func() bool { return c.count() > 500 })

	n.stop()
	before := c.count()
	<-time.After(4 * time.Second) // the outage itself
	n.start()

	eventually(t, "all append again", func() bool { return c.count() > before+500 })
	stop()
	c.Wait()
	if len(c.late) > 0 {
		t.Errorf("%d calls outlived their context, by up to %v", len(c.late), c.late)
	}
	if c.refused == 0 {
		t.Error("no call noticed the outage")
	}
	for _, w := range watchers {
		eventually(t, "a subscription has everything", func() bool { return w.count() == c.count() })
		w.mu.Lock()
		for id, times := range w.seen {
			if times != 1 || !c.recorded[id] {
				t.Errorf("fact %s came %d times", id, times)
			}
		}
		if !w.order {
			t.Error("a subscription yielded facts out of order")
		}
		if w.outages != 1 {
			t.Errorf("a subscription told of %d outages, of 1", w.outages)
		}
		w.mu.Unlock()
	}
	cancel()
	watching.Wait()
	closeStore(t, s)
	n.stop()
	goleak.VerifyNone(t, ignore)
}

func TestManyShortOutagesLeaveNothingBehind(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	n := startNode(t)
	s, err := esdb.Open(t.Context(), esdb.Options{Socket: n.socket, Codec: codec(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	appending, stop := context.WithCancel(t.Context())
	defer stop()
	c := &callers{recorded: map[uuid.UUID]bool{}}
	for range 32 {
		c.Go(func() { c.run(appending, t, s) })
	}
	for range 5 {
		before := c.count()
		eventually(t, "32 callers append", func() bool { return c.count() > before+100 })
		n.stop()
		n.start()
	}
	before := c.count()
	eventually(t, "all append again", func() bool { return c.count() > before+100 })
	stop()
	c.Wait()
	closeStore(t, s)
	n.stop()
	goleak.VerifyNone(t, ignore)
}
