package esdb_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/esdb"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// patience of one call, and how much later it may return on a machine that others use too.
const (
	patience = 500 * time.Millisecond
	slack    = time.Second
)

// started is a fact without personal text.
func started(agent uuid.UUID) events.Proposed {
	return events.Proposed{ID: uuid.New(), Event: events.AgentStarted{AgentID: agent}, Meta: events.Metadata{Actor: "test", At: time.Now()}}
}

// callers append, one fact after another, each to a stream of its own, repeating what the outage refused.
type callers struct {
	sync.WaitGroup
	mu       sync.Mutex
	recorded map[uuid.UUID]bool
	late     []time.Duration
	refused  int
}

func (c *callers) run(ctx context.Context, t *testing.T, s *esdb.Store) {
	for ctx.Err() == nil {
		id := uuid.New()
		fact := started(id)
		for {
			began := time.Now()
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			_, err := s.Append(limited, events.AgentStream(id), events.NoStream, fact)
			cancel()
			c.note(fact.ID, time.Since(began), err)
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

func (c *callers) note(id uuid.UUID, took time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if took > patience+slack {
		c.late = append(c.late, took)
	}
	if err == nil {
		c.recorded[id] = true
	} else {
		c.refused++
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

// saw holds what came against what was recorded: nothing missed, nothing twice, in order, and each outage told of once.
func (w *watcher) saw(t *testing.T, recorded map[uuid.UUID]bool, outages int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, times := range w.seen {
		if times != 1 || !recorded[id] {
			t.Errorf("fact %s came %d times", id, times)
		}
	}
	if !w.order {
		t.Error("a subscription yielded facts out of order")
	}
	if w.outages != outages {
		t.Errorf("a subscription told of %d outages, of %d", w.outages, outages)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 30 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
