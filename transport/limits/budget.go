package limits

import (
	"context"
	"net/netip"
	"slices"
	"sync"
)

// Budget bounds the bytes that a server holds for its clients: of a connection, of a client and in all. Holding is granted in
// the order of asking, but nobody waits for a connection or a client that is at its own bound. What alone is larger than a
// bound is granted where nothing else is held under it, so that it does not wait for ever.
type Budget struct {
	server, client, connection int64

	mu      sync.Mutex
	held    int64
	clients map[netip.Prefix]*holder
	waiting []*claim
}

// holder is a client with the number of its shares.
type holder struct {
	held   int64
	shares int
}

// claim is a Take that waits.
type claim struct {
	share   *Share
	n       int64
	granted chan struct{}
}

// NewBudget is an empty budget with bounds in bytes.
func NewBudget(server, client, connection Bound) *Budget {
	return &Budget{server: server.Value, client: client.Value, connection: connection.Value, clients: map[netip.Prefix]*holder{}}
}

// Share is what one connection holds of a budget.
type Share struct {
	budget *Budget
	client netip.Prefix
	held   int64
	left   bool
}

// Join begins a connection's share. It ends with Leave.
func (b *Budget) Join(client netip.Prefix) *Share {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.clients[client]
	if h == nil {
		h = &holder{}
		b.clients[client] = h
	}
	h.shares++
	return &Share{budget: b, client: client}
}

// Held is how many bytes are held in all.
func (b *Budget) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// Take holds n bytes, blocking until they are within every bound. The error is that of a context that ends before.
func (s *Share) Take(ctx context.Context, n int64) error {
	b := s.budget
	b.mu.Lock()
	if b.fits(s, n) {
		b.add(s, n)
		b.mu.Unlock()
		return ctx.Err()
	}
	c := &claim{s, n, make(chan struct{})}
	b.waiting = append(b.waiting, c)
	b.mu.Unlock()
	select {
	case <-c.granted:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, c); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
		return ctx.Err()
	}
	return nil // granted meanwhile
}

// Try holds n bytes where they are within every bound, and reports whether they were.
func (s *Share) Try(n int64) bool {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	if !s.budget.fits(s, n) {
		return false
	}
	s.budget.add(s, n)
	return true
}

// TryOwn is Try whatever other clients hold.
func (s *Share) TryOwn(n int64) bool {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if !s.left && (!within(s.held, n, b.connection) || !within(b.clients[s.client].held, n, b.client)) {
		return false
	}
	b.add(s, n)
	return true
}

// Give holds n bytes less. A negative n holds more, whatever the bounds: of something that turned out larger.
func (s *Share) Give(n int64) {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.budget.add(s, -n)
	s.budget.grant()
}

// Held is how many bytes the share holds.
func (s *Share) Held() int64 {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	return s.held
}

// Leave gives back all that is held, and what is taken or given afterwards counts for nothing.
func (s *Share) Leave() {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.left {
		return
	}
	b.add(s, -s.held)
	s.left = true
	h := b.clients[s.client]
	if h.shares--; h.shares == 0 {
		delete(b.clients, s.client)
	}
	b.grant()
}

func (b *Budget) fits(s *Share, n int64) bool {
	return s.left || within(s.held, n, b.connection) && within(b.clients[s.client].held, n, b.client) && within(b.held, n, b.server)
}

func within(held, n, most int64) bool { return held == 0 || held+n <= most }

func (b *Budget) add(s *Share, n int64) {
	if s.left {
		return
	}
	s.held += n
	b.clients[s.client].held += n
	b.held += n
}

// grant serves the claims that have come to fit.
func (b *Budget) grant() {
	b.waiting = slices.DeleteFunc(b.waiting, func(c *claim) bool {
		if !b.fits(c.share, c.n) {
			return false
		}
		b.add(c.share, c.n)
		close(c.granted)
		return true
	})
}
