package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// storeLimit is how long the event store may neither answer nor send an event before a process counts as cut off from it.
const storeLimit = 3 * time.Second

// errCutOff ends work that a process that reaches the event store has to do.
var errCutOff = errors.New("the event store does not answer this process")

// reachability is whether this process reaches the event store. PostgreSQL, which holds the locks of the process, sees nothing of
// that: a process that is cut off has to release them by itself, or its projections stand still although others could go on.
type reachability struct {
	mu      sync.Mutex
	lost    bool
	changed chan struct{} // closed when lost changes
}

// state returns whether the process is cut off, and what is closed when that changes.
func (r *reachability) state() (lost bool, changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost, r.changed
}

func (r *reachability) set(lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost == lost {
		return
	}
	r.lost = lost
	close(r.changed)
	r.changed = make(chan struct{})
}

// watchStore asks the event store for its head every tick, until the context ends.
func (f *Feed) watchStore(ctx context.Context) {
	for ctx.Err() == nil {
		before := f.stream.position()
		asked, cancel := context.WithTimeout(ctx, storeLimit)
		_, err := f.Store.Head(asked)
		cancel()
		if ctx.Err() == nil {
			f.reach.set(err != nil && f.stream.position() == before)
		}
		select {
		case <-ctx.Done():
		case <-time.After(tick):
		}
	}
}

// whileReached works until the process is cut off from the event store: that cancels the work, which then fails with errCutOff.
func (f *Feed) whileReached(ctx context.Context, work func(context.Context) error) error {
	lost, changed := f.reach.state()
	if lost {
		return errCutOff
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-changed:
			cancel(errCutOff)
		case <-ctx.Done():
		}
	}()
	err := work(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errCutOff) {
		return fmt.Errorf("%w: %w", errCutOff, err)
	}
	return err
}

// untilReached waits until the process reaches the event store.
func (f *Feed) untilReached(ctx context.Context) error {
	for {
		lost, changed := f.reach.state()
		if !lost {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
