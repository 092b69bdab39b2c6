package reactions

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/google/uuid"

	"annals/events"
)

// errAborted ends the context of a turn that is not wanted any more.
var errAborted = errors.New("the turn was aborted")

// Aborts ends turns that run in this process when they are aborted, whichever node recorded it. Observe feeds it.
type Aborts struct {
	mu      sync.Mutex
	running map[uuid.UUID][]*running
}

type running struct{ cancel context.CancelCauseFunc }

// NewAborts knows of no turn.
func NewAborts() *Aborts { return &Aborts{running: map[uuid.UUID][]*running{}} }

// Observe takes note of a recorded fact.
func (a *Aborts) Observe(e events.Recorded) {
	f, ok := e.Event.(events.TurnAborted)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.running[f.TurnID] {
		r.cancel(errAborted)
	}
}

// watch gives a context that ends when one of the turns is aborted from now on, or stop is called.
func (a *Aborts) watch(ctx context.Context, turns ...uuid.UUID) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	r := &running{cancel}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range turns {
		a.running[id] = append(a.running[id], r)
	}
	return watched, func() {
		cancel(context.Canceled)
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, id := range turns {
			a.running[id] = slices.DeleteFunc(a.running[id], func(other *running) bool { return other == r })
			if len(a.running[id]) == 0 {
				delete(a.running, id)
			}
		}
	}
}

// aborted tells whether the context of a turn ended because it was aborted.
func aborted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errAborted) }

// watch implements interruptible: the context ends when one of the turns that a delivery still owes is aborted.
func (r Reply) watch(ctx context.Context, e events.Recorded, failed error) (watched context.Context, stop func()) {
	var (
		agents failedTurns
		turns  []uuid.UUID
	)
	if m, ok := e.Event.(events.MessageSubmitted); ok && errors.As(failed, &agents) {
		for agent := range agents {
			turns = append(turns, events.TurnID(m.MessageID, agent))
		}
	}
	return r.Aborts.watch(ctx, turns...)
}
