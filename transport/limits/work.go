package limits

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// Work lets so many at a time work, and shares the time among clients: a turn that is free goes to the client that waits and had the
// least time of late. A client that has had less than half of its share begins at once, up to a few beyond the bound, so that one with
// little to do does not wait for the long turns of others.
type Work[C comparable] struct {
	most, spare int
	now         func() time.Time

	mu      sync.Mutex
	taken   int
	clients map[C]*worker[C]
	waiting int
	used    decaying // of all
}

// worker is a client that works, waits, or has worked of late.
type worker[C comparable] struct {
	client C
	taken  int
	used   decaying
	queue  []chan struct{} // in the order of asking
}

const (
	// halfLife is how soon the time that a client had counts half.
	halfLife = 3 * time.Second
	// workersKept bounds the clients that are remembered for what they had.
	workersKept = 1024
)

// decaying is a sum of seconds that are forgotten over time.
type decaying struct {
	sum float64
	at  time.Time
}

func (d *decaying) value(now time.Time) float64 {
	if d.sum == 0 {
		return 0
	}
	return d.sum * math.Exp2(-float64(now.Sub(d.at))/float64(halfLife))
}

func (d *decaying) add(seconds float64, now time.Time) { d.sum, d.at = d.value(now)+seconds, now }

// NewWork returns work with no turn taken: so many turns, and so many beyond them.
func NewWork[C comparable](most, spare int) *Work[C] {
	return &Work[C]{most: most, spare: spare, now: time.Now, clients: map[C]*worker[C]{}}
}

// Take blocks until the client may work, which ends with done. The error is that of a context that ends before.
func (w *Work[C]) Take(ctx context.Context, client C) (done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	now := w.now()
	c := w.worker(client, now)
	if w.taken < w.most || w.taken < w.most+w.spare && c.taken == 0 && w.hadLittle(c, now) {
		done := w.begin(c, now)
		w.mu.Unlock()
		return done, nil
	}
	granted := make(chan struct{})
	c.queue = append(c.queue, granted)
	w.waiting++
	w.mu.Unlock()
	select {
	case <-granted:
	case <-ctx.Done():
		w.mu.Lock()
		if i := slices.Index(c.queue, granted); i >= 0 {
			c.queue = slices.Delete(c.queue, i, i+1)
			w.waiting--
			w.mu.Unlock()
			return nil, ctx.Err()
		}
		w.mu.Unlock() // it was granted meanwhile
		w.end(c, w.now())
		return nil, ctx.Err()
	}
	began := w.now()
	return func() { w.end(c, began) }, nil
}

// Again is Take for a client that has begun, and waited for something else in between: it does not wait, since it may hold what others
// wait for. Those that have not begun wait longer for it.
func (w *Work[C]) Again(client C) (done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	return w.begin(w.worker(client, now), now)
}

func (w *Work[C]) begin(c *worker[C], now time.Time) (done func()) {
	w.taken++
	c.taken++
	return func() { w.end(c, now) }
}

// end counts the time of a turn, and gives the next one.
func (w *Work[C]) end(c *worker[C], began time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	c.used.add(now.Sub(began).Seconds(), now)
	w.used.add(now.Sub(began).Seconds(), now)
	c.taken--
	w.taken--
	for w.waiting > 0 && w.taken < w.most {
		next := w.next(now)
		granted := next.queue[0]
		next.queue = slices.Delete(next.queue, 0, 1)
		w.waiting--
		w.taken++
		next.taken++
		close(granted)
	}
}

// next is the client that gets the next turn: with the fewest turns under way, and among these with the least time of late.
func (w *Work[C]) next(now time.Time) (next *worker[C]) {
	for _, c := range w.clients {
		if len(c.queue) > 0 && (next == nil || c.taken < next.taken || c.taken == next.taken && c.used.value(now) < next.used.value(now)) {
			next = c
		}
	}
	return next
}

// hadLittle reports whether a client had less than half of what each would have if all had the same.
func (w *Work[C]) hadLittle(c *worker[C], now time.Time) bool {
	return c.used.value(now)*2*float64(len(w.clients)) <= w.used.value(now)
}

// worker finds a client, and forgets those that have done nothing of late.
func (w *Work[C]) worker(client C, now time.Time) *worker[C] {
	if c := w.clients[client]; c != nil {
		return c
	}
	if len(w.clients) >= workersKept || len(w.clients) > 0 && w.taken == 0 && w.used.value(now) < 1e-3 {
		for k, c := range w.clients {
			if c.taken == 0 && len(c.queue) == 0 {
				delete(w.clients, k)
			}
		}
	}
	c := &worker[C]{client: client}
	w.clients[client] = c
	return c
}
