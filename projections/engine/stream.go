package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"annals/events"
)

// Bounds of what waits for a follower, and of what is committed at once. A batch is a part of what waits.
const (
	queueEvents = 4096
	queueBytes  = 16 << 20
	batchEvents = 1000
	batchBytes  = 4 << 20
)

// stream is one subscription that serves all who follow it: each event is read and decoded once. They follow through
// queues, and one that is too slow is let go of.
type stream struct {
	hold    time.Duration // how long others wait for who is too slow
	mu      sync.Mutex
	changed sync.Cond
	begun   bool
	at      events.Position // the last event that was handed out
	queues  []*queue
	// recent is the last of what was handed out, everything after since: who is no further behind can still follow.
	recent []weighed
	bytes  int
	since  events.Position
}

// queue holds what a follower has yet to take. It is guarded by the stream.
type queue struct {
	stream    *stream
	following bool
	dry       bool // the follower waits for events
	waiting   []weighed
	bytes     int
}

type weighed struct {
	events.Recorded
	bytes int
}

func newStream(hold time.Duration) *stream {
	s := &stream{hold: hold}
	s.changed.L = &s.mu
	return s
}

// begin sets where the stream starts.
func (s *stream) begin(from events.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.at, s.since = true, from, from
}

func (s *stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
}

// put hands events to everybody who follows. It waits for who is full, but not for long once another has run dry: a slow
// group holds up nobody.
func (s *stream) put(ctx context.Context, all ...weighed) {
	if len(all) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full() {
		s.makeRoom(ctx)
	}
	s.at = all[len(all)-1].Position
	for _, q := range s.queues {
		q.add(all)
	}
	s.keep(all)
	s.changed.Broadcast()
}

func (s *stream) makeRoom(ctx context.Context) {
	until := time.Now().Add(s.hold)
	if s.hold > 0 {
		defer time.AfterFunc(s.hold, s.wake).Stop()
	}
	for s.full() && ctx.Err() == nil {
		if s.anyDry() && !time.Now().Before(until) {
			s.queues = slices.DeleteFunc(s.queues, func(q *queue) bool { // what waits for them already they still take
				q.following = !q.full()
				return q.full()
			})
			return
		}
		s.changed.Wait()
	}
}

func (s *stream) full() bool { return slices.ContainsFunc(s.queues, (*queue).full) }

func (s *stream) anyDry() bool {
	return slices.ContainsFunc(s.queues, func(q *queue) bool { return q.dry && len(q.waiting) == 0 })
}

// keep remembers the last of what was handed out.
func (s *stream) keep(all []weighed) {
	s.recent = append(s.recent, all...)
	for _, e := range all {
		s.bytes += e.bytes
	}
	n := 0
	for ; len(s.recent)-n > queueEvents || s.bytes > batchBytes; n++ {
		s.bytes -= s.recent[n].bytes
		s.since = s.recent[n].Position
	}
	clear(s.recent[:n])
	s.recent = s.recent[n:]
}

func (q *queue) full() bool { return len(q.waiting) >= queueEvents || q.bytes >= queueBytes }

func (q *queue) add(all []weighed) {
	q.waiting = append(q.waiting, all...)
	for _, e := range all {
		q.bytes += e.bytes
	}
}

// follow gives a queue that receives everything after the position, nil if the stream is too far ahead of it.
func (s *stream) follow(at events.Position) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun || at < s.since {
		return nil
	}
	q := &queue{stream: s, following: true}
	missed := slices.IndexFunc(s.recent, func(e weighed) bool { return e.Position > at })
	if missed >= 0 {
		q.add(s.recent[missed:])
	}
	s.queues = append(s.queues, q)
	return q
}

// leave ends following, and tells whether nobody follows any more.
func (q *queue) leave() (last bool) {
	s := q.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues = slices.DeleteFunc(s.queues, func(other *queue) bool { return other == q })
	q.following, q.waiting, q.bytes = false, nil, 0
	s.changed.Broadcast()
	return len(s.queues) == 0
}

// remembers tells whether the stream can be followed from a position on.
func (s *stream) remembers(at events.Position) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun && at >= s.since
}

// position is the last event that was handed out.
func (s *stream) position() events.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

// take gives what waits, as far as one batch may hold it, and waits for at least one event. Nothing means that the
// follower was let go of, or that the context has ended.
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
