package projections

import (
	"context"
	"log/slog"
	"sync"

	"annals/events"
)

// Bounds of what waits for a lane, and of what it commits at once. A batch is a part of what waits.
const (
	queueEvents = 4096
	queueBytes  = 16 << 20
	batchEvents = 1000
	batchBytes  = 4 << 20
)

// stream is the one subscription that serves all lanes: each event is decoded once. Lanes follow it through queues. A
// lane that is behind, because it begins further back or because it was too slow, reads for itself until it has come to
// where the stream is.
type stream struct {
	observe func(events.Recorded)
	mu      sync.Mutex
	changed sync.Cond
	begun   bool
	at      events.Position // the last event that was handed out
	queues  []*queue
}

// queue holds what a following lane has yet to take. It is guarded by the stream.
type queue struct {
	stream    *stream
	following bool
	dry       bool // the lane waits for events
	waiting   []weighed
	bytes     int
}

type weighed struct {
	events.Recorded
	bytes int
}

func newStream(observe func(events.Recorded)) *stream {
	s := &stream{observe: observe}
	s.changed.L = &s.mu
	return s
}

// begin sets where the stream starts.
func (s *stream) begin(from events.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.at = true, from
}

func (s *stream) run(ctx context.Context, store events.Store, from events.Position, logger *slog.Logger) {
	defer context.AfterFunc(ctx, s.wake)()
	for e, err := range store.Subscribe(ctx, from, events.Filter{}) {
		if err != nil {
			logger.Warn("the feed has lost the event store", "error", err)
			continue
		}
		if s.observe != nil {
			s.observe(e)
		}
		s.put(ctx, weighed{Recorded: e, bytes: weight(e)})
	}
}

func (s *stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
}

// put hands an event to every lane that follows. It waits for lanes that are full, but lets go of them as soon as another
// has run dry: a slow group holds up nobody.
func (s *stream) put(ctx context.Context, e weighed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.full() && ctx.Err() == nil {
		if s.anyDry() {
			s.letGo()
			break
		}
		s.changed.Wait()
	}
	s.at = e.Position
	for _, q := range s.queues {
		q.waiting = append(q.waiting, e)
		q.bytes += e.bytes
	}
	s.changed.Broadcast()
}

func (q *queue) full() bool { return len(q.waiting) >= queueEvents || q.bytes >= queueBytes }

func (s *stream) full() bool {
	for _, q := range s.queues {
		if q.full() {
			return true
		}
	}
	return false
}

func (s *stream) anyDry() bool {
	for _, q := range s.queues {
		if q.dry && len(q.waiting) == 0 {
			return true
		}
	}
	return false
}

// letGo of the lanes that are full; what waits for them already they still take.
func (s *stream) letGo() {
	kept := s.queues[:0]
	for _, q := range s.queues {
		if q.full() {
			q.following = false
		} else {
			kept = append(kept, q)
		}
	}
	clear(s.queues[len(kept):])
	s.queues = kept
}

// follow makes the queue receive everything after the position, if that is as far as the stream has come.
func (q *queue) follow(at events.Position) bool {
	s := q.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun || at < s.at {
		return false
	}
	q.following = true
	s.queues = append(s.queues, q)
	return true
}

// leave ends following.
func (q *queue) leave() {
	s := q.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.queues {
		if other == q {
			s.queues = append(s.queues[:i:i], s.queues[i+1:]...)
			break
		}
	}
	q.following, q.waiting, q.bytes = false, nil, 0
	s.changed.Broadcast()
}

// take gives what waits, as far as one batch may hold it, and waits for at least one event. Nothing means that the lane
// was let go of, or that the context has ended.
func (q *queue) take(ctx context.Context) []events.Recorded {
	s := q.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(q.waiting) == 0 && q.following && ctx.Err() == nil {
		if !q.dry { // once, or two that are dry would wake each other for ever
			q.dry = true
			s.changed.Broadcast() // somebody may be full and holding up this one
		}
		s.changed.Wait()
	}
	q.dry = false
	batch := make([]events.Recorded, 0, min(len(q.waiting), batchEvents))
	bytes := 0
	for _, e := range q.waiting {
		if len(batch) == cap(batch) || bytes >= batchBytes {
			break
		}
		batch = append(batch, e.Recorded)
		bytes += e.bytes
	}
	clear(q.waiting[:len(batch)])
	q.waiting = q.waiting[len(batch):]
	q.bytes -= bytes
	s.changed.Broadcast()
	return batch
}
