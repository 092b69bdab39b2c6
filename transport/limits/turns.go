package limits

import (
	"context"
	"slices"
	"sync"
)

// Turns lets so many at a time do something, and shares the turns among clients: a turn that is free goes to a client that waits and has
// the fewest, and among these to the one that had none for longest. A client that asks for many waits for itself alone.
type Turns[C comparable] struct {
	most int

	mu      sync.Mutex
	taken   int
	granted uint64 // so many were, ever
	clients map[C]*turnsOf
	waiting []*asked[C] // in the order of asking
}

// turnsOf is a client that has turns, or waits for one.
type turnsOf struct {
	taken, waiting int
	last           uint64 // when it was granted one, in turns
}

type asked[C comparable] struct {
	client  C
	granted chan struct{}
}

// NewTurns returns turns of which none is taken.
func NewTurns[C comparable](most Bound) *Turns[C] {
	return &Turns[C]{most: most.Int(), clients: map[C]*turnsOf{}}
}

// Take blocks until it is the client's turn, which ends with done. The error is that of a context that ends before.
func (t *Turns[C]) Take(ctx context.Context, client C) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	if t.clients[client] == nil {
		t.clients[client] = &turnsOf{}
	}
	if t.taken < t.most { // then no client waits
		t.give(client)
		t.mu.Unlock()
		return func() { t.end(client) }, nil
	}
	a := &asked[C]{client, make(chan struct{})}
	t.clients[client].waiting++
	t.waiting = append(t.waiting, a)
	t.mu.Unlock()
	select {
	case <-a.granted:
		return func() { t.end(client) }, nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	i := slices.Index(t.waiting, a)
	if i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		t.clients[client].waiting--
		t.forget(client)
	}
	t.mu.Unlock()
	if i < 0 { // it was granted meanwhile
		t.end(client)
	}
	return nil, ctx.Err()
}

func (t *Turns[C]) end(client C) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken--
	t.clients[client].taken--
	t.forget(client)
	t.grant()
}

// forget drops a client that has no turn and waits for none.
func (t *Turns[C]) forget(client C) {
	if of := t.clients[client]; of.taken == 0 && of.waiting == 0 {
		delete(t.clients, client)
	}
}

// grant hands out the turns that are free.
func (t *Turns[C]) grant() {
	for t.taken < t.most && len(t.waiting) > 0 {
		next := 0
		for i, a := range t.waiting {
			one, other := t.clients[a.client], t.clients[t.waiting[next].client]
			if one.taken < other.taken || one.taken == other.taken && one.last < other.last {
				next = i
			}
		}
		a := t.waiting[next]
		t.waiting = slices.Delete(t.waiting, next, next+1)
		t.clients[a.client].waiting--
		t.give(a.client)
		close(a.granted)
	}
}

// give counts a turn of a client.
func (t *Turns[C]) give(client C) {
	of := t.clients[client]
	t.granted++
	t.taken++
	of.taken++
	of.last = t.granted
}
