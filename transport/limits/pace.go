package limits

import (
	"context"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Pace delays what clients do so often that it would take the server's time: each client, and all of them together, may do it so
// many times a second, after a second's worth at once. Delaying costs an attacker more than refusing, since a refusal is a reason to ask
// again at once.
type Pace struct {
	client, server time.Duration // between two times
	most           time.Duration // that one of them is delayed

	mu      sync.Mutex
	next    time.Time
	clients *lru.Cache[netip.Prefix, time.Time]
}

// clientsPaced bounds the memory of a Pace: a client that was not seen for longest begins anew.
const clientsPaced = 1 << 14

// NewPace returns the pace of bounds that count times a second. Nothing is delayed for longer than most.
func NewPace(server, client, most Bound) *Pace {
	clients, err := lru.New[netip.Prefix, time.Time](clientsPaced)
	if err != nil {
		panic(err) // its size is a constant
	}
	return &Pace{
		client: time.Second / time.Duration(client.Value), server: time.Second / time.Duration(server.Value), most: most.Duration(), clients: clients,
	}
}

// Wait blocks for as long as the client is ahead of its pace, or until the context ends.
func (p *Pace) Wait(ctx context.Context, client netip.Prefix) {
	delay := p.delay(client, time.Now())
	if delay <= 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// delay counts one time, and returns how far ahead of the pace the client is with it.
func (p *Pace) delay(client netip.Prefix, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	next, _ := p.clients.Get(client)
	mine, delayed := p.step(next, p.client, now)
	all, delayedByAll := p.step(p.next, p.server, now)
	p.next = all
	p.clients.Add(client, mine)
	return max(delayed, delayedByAll)
}

// step moves the time of the next one on, as far as it may be ahead.
func (p *Pace) step(next time.Time, interval time.Duration, now time.Time) (moved time.Time, delay time.Duration) {
	if earliest := now.Add(-time.Second); next.Before(earliest) {
		next = earliest
	}
	moved = next.Add(interval)
	if latest := now.Add(p.most); moved.After(latest) {
		moved = latest
	}
	return moved, moved.Sub(now)
}
