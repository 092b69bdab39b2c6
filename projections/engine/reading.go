package engine

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"annals/events"
)

// holdUp is how long who catches up waits for others that are slower, before these have to read for themselves: decoding
// an event once more costs about as much as writing it.
const holdUp = 200 * time.Millisecond

// follow hands out what is recorded, as it happens.
func (f *Feed) follow(ctx context.Context) {
	defer context.AfterFunc(ctx, f.stream.wake)()
	for e, err := range f.Store.Subscribe(ctx, f.from, events.Filter{}) {
		if err != nil {
			f.Logger.Warn("the feed has lost the event store", "error", err)
			continue
		}
		if f.Observe != nil {
			f.Observe(e)
		}
		f.stream.put(ctx, weighed{Recorded: e, bytes: weight(e)})
	}
}

// past are the streams that serve who has yet to come to where the feed's stream is. Each lives as long as it is followed.
type past struct {
	mu      sync.Mutex
	streams map[*stream]*ending
}

type ending struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// join follows a stream of the past from a position on: one that is there, or one of its own that others may join.
func (f *Feed) join(ctx context.Context, at events.Position) *queue {
	f.past.mu.Lock()
	defer f.past.mu.Unlock()
	for s := range f.past.streams {
		if q := s.follow(at); q != nil {
			return q
		}
	}
	s := newStream(holdUp)
	s.begin(at)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // others may need it for longer
	end := &ending{cancel, make(chan struct{})}
	f.past.streams[s] = end
	q := s.follow(at)
	go func() {
		defer close(end.done)
		f.recall(ctx, s, at)
	}()
	return q
}

// part leaves a stream. That of the past which nobody follows any more has ended when it returns.
func (f *Feed) part(q *queue) {
	f.past.mu.Lock()
	end := f.past.streams[q.stream]
	last := q.leave() && end != nil
	if last {
		delete(f.past.streams, q.stream)
	}
	f.past.mu.Unlock()
	if last {
		end.cancel()
		<-end.done
	}
}

// recall hands out what lies in the past, in batches. Up to where the feed's stream is there is always more to come, so
// that none waits to become full.
func (f *Feed) recall(ctx context.Context, s *stream, from events.Position) {
	defer context.AfterFunc(ctx, s.wake)()
	var batch []weighed
	bytes := 0
	for e, err := range f.Store.Subscribe(ctx, from, events.Filter{}) {
		if err == nil {
			batch = append(batch, weighed{Recorded: e, bytes: weight(e)})
			bytes += batch[len(batch)-1].bytes
		}
		if err != nil || len(batch) == batchEvents || bytes >= batchBytes || e.Position >= f.stream.position() {
			s.put(ctx, batch...)
			batch, bytes = batch[:0], 0
		}
	}
}

// batches yields what comes after a position, in order, for as long as the context lives and the consumer keeps up: from
// the feed's stream once that can be followed, and from one of the past until then. Nothing comes before the feed's stream
// has had it.
func (f *Feed) batches(ctx context.Context, at events.Position) iter.Seq[[]events.Recorded] {
	return func(yield func([]events.Recorded) bool) {
		for ctx.Err() == nil {
			q := f.stream.follow(at)
			if q == nil {
				q = f.join(ctx, at)
			}
			if !f.drain(ctx, q, &at, yield) {
				return
			}
		}
	}
}

// drain takes what comes until there is reason to look for another stream. It is false when the consumer has enough.
func (f *Feed) drain(ctx context.Context, q *queue, at *events.Position, yield func([]events.Recorded) bool) bool {
	defer f.part(q)
	defer context.AfterFunc(ctx, q.stream.wake)()
	for batch := q.take(ctx); len(batch) > 0; batch = q.take(ctx) {
		reached := f.stream.position()
		n := slices.IndexFunc(batch, func(e events.Recorded) bool { return e.Position > reached })
		if n == 0 {
			return true
		}
		if n < 0 {
			n = len(batch)
		}
		*at = batch[n-1].Position
		if !yield(batch[:n]) {
			return false
		}
		if n < len(batch) || q.stream != f.stream && f.stream.remembers(*at) {
			return true
		}
	}
	return true
}

// ahead reads while the consumer is busy with what it got before. next gives nothing when the context has ended; stop has
// to be called.
func ahead(
	ctx context.Context, batches func(context.Context, events.Position) iter.Seq[[]events.Recorded], at events.Position,
) (next func() []events.Recorded, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	read := make(chan []events.Recorded)
	go func() {
		defer close(read)
		for batch := range batches(ctx, at) {
			select {
			case read <- batch:
			case <-ctx.Done():
			}
		}
	}()
	return func() []events.Recorded { return <-read }, func() {
		cancel()
		for range read { // until the reader has ended
		}
	}
}
