package projections

import (
	"context"
	"iter"

	"annals/events"
)

// reading gives one consumer the whole log: from the stream that all share once it has come to where the stream is, and
// from a subscription of its own until then.
type reading struct {
	store events.Store
	queue *queue
}

func (f *Feed) reading() *reading { return &reading{store: f.Store, queue: &queue{stream: f.stream}} }

// batches yields what comes after a position, in order, for as long as the context lives and the consumer keeps up.
func (r *reading) batches(ctx context.Context, at events.Position) iter.Seq[[]events.Recorded] {
	return func(yield func([]events.Recorded) bool) {
		defer r.queue.leave()
		defer context.AfterFunc(ctx, r.queue.stream.wake)()
		hand := func(batch []events.Recorded) bool {
			if len(batch) == 0 {
				return true
			}
			at = batch[len(batch)-1].Position
			return yield(batch)
		}
		for ctx.Err() == nil {
			if !r.queue.follow(at) && !r.catchUp(ctx, at, hand) {
				return
			}
			for batch := r.queue.take(ctx); len(batch) > 0; batch = r.queue.take(ctx) {
				if !hand(batch) {
					return
				}
			}
		}
	}
}

// catchUp reads until the stream can be followed. Until then there is always more to come, so that no batch waits to
// become full.
func (r *reading) catchUp(ctx context.Context, at events.Position, hand func([]events.Recorded) bool) bool {
	var batch []events.Recorded
	bytes := 0
	for e, err := range r.store.Subscribe(ctx, at, events.Filter{}) {
		if err == nil {
			batch = append(batch, e)
			bytes += weight(e)
		}
		following := err == nil && r.queue.follow(e.Position)
		if following || err != nil || len(batch) == batchEvents || bytes >= batchBytes {
			if !hand(batch) {
				return false
			}
			batch, bytes = nil, 0
		}
		if following {
			return true
		}
	}
	return ctx.Err() == nil
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
