package embedded

import (
	"time"

	"github.com/google/uuid"
)

// item is an event on its way through a group.
type item struct {
	record  *record
	seq     uint64 // its place in the source: revision, or position of $all
	retries int32
	// parked is 1 + the revision in the parked stream that it was replayed from, 0 for events of the source.
	parked int64
}

// flight is an item that a consumer has not answered yet.
type flight struct {
	*item
	begun    time.Time
	deadline time.Time // zero: none
}

// consumer is one connection of a group. The group's goroutine owns it, besides out and dropped.
type consumer struct {
	id       uint64
	name     string // connection-name header
	address  string
	user     string
	capacity int

	out     chan *item    // never blocks the group: it holds what may be in flight
	dropped chan struct{} // closed with reason set when the group lets the consumer go
	reason  error

	flights map[uuid.UUID][]*flight // several events may share an id
	flying  int
	meter
	answered latencies
}

func newConsumer(capacity int32) *consumer {
	n := min(max(int(capacity), 1), largestBuffer)
	return &consumer{
		capacity: n, out: make(chan *item, n), dropped: make(chan struct{}), flights: map[uuid.UUID][]*flight{},
		meter: meter{since: time.Now()},
	}
}

// hasRoom: timed-out items may still wait in out when the client does not read.
func (c *consumer) hasRoom() bool { return c.flying < c.capacity && len(c.out) < cap(c.out) }

func (c *consumer) push(it *item, timeout time.Duration) {
	f := &flight{item: it, begun: time.Now()}
	if timeout > 0 {
		f.deadline = f.begun.Add(timeout)
	}
	c.flights[it.record.ID] = append(c.flights[it.record.ID], f)
	c.flying++
	c.total++
	c.out <- it
}

// take ends the oldest flight of an event id; nil when there is none.
func (c *consumer) take(id uuid.UUID) *item {
	fs := c.flights[id]
	if len(fs) == 0 {
		return nil
	}
	if len(fs) == 1 {
		delete(c.flights, id)
	} else {
		c.flights[id] = fs[1:]
	}
	c.flying--
	c.answered.add(time.Since(fs[0].begun))
	return fs[0].item
}

// overdue ends the flights whose deadline has passed.
func (c *consumer) overdue(now time.Time) (late []*item) {
	for id, fs := range c.flights {
		for len(fs) > 0 && !fs[0].deadline.IsZero() && now.After(fs[0].deadline) {
			late = append(late, fs[0].item)
			fs = fs[1:]
			c.take(id)
		}
	}
	return late
}

// abandon ends all flights.
func (c *consumer) abandon() (items []*item) {
	for _, fs := range c.flights {
		for _, f := range fs {
			items = append(items, f.item)
		}
	}
	clear(c.flights)
	c.flying = 0
	return items
}
