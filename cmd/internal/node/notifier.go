package node

import (
	"context"
	"sync"

	"github.com/google/uuid"
)

// notifier wakes those that watch a thing of ours, by its id, when something about it has become readable.
type notifier struct {
	mu       sync.Mutex
	watchers map[uuid.UUID]map[chan struct{}]bool
}

func newNotifier() *notifier { return &notifier{watchers: map[uuid.UUID]map[chan struct{}]bool{}} }

func (n *notifier) notify(id uuid.UUID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.watchers[id] {
		select {
		case c <- struct{}{}:
		default: // woken already
		}
	}
}

// Watch implements httpapi.AgentLogs.
func (n *notifier) Watch(id uuid.UUID) (woken <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.watchers[id] == nil {
		n.watchers[id] = map[chan struct{}]bool{}
	}
	n.watchers[id][c] = true
	return c, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.watchers[id], c)
		if len(n.watchers[id]) == 0 {
			delete(n.watchers, id)
		}
	}
}

// Await implements httpapi.Turns: it calls done, and again each time that the thing is notified of, until it returns true or
// an error, or the context ends.
func (n *notifier) Await(ctx context.Context, id uuid.UUID, done func(context.Context) (bool, error)) error {
	woken, stop := n.Watch(id)
	defer stop()
	for {
		if ok, err := done(ctx); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-woken:
		}
	}
}
