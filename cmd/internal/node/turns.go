package node

import (
	"context"
	"sync"

	"github.com/google/uuid"

	"annals/events"
)

// answers tells who waits for the replies to a message when the turns of its audience are complete and can be read.
type answers struct {
	mu      sync.Mutex
	waiting map[uuid.UUID]map[chan struct{}]bool
}

func newAnswers() *answers { return &answers{waiting: map[uuid.UUID]map[chan struct{}]bool{}} }

// observe wakes whoever waits for a message of which a turn became readable.
func (a *answers) observe(batch []events.Recorded) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 {
		return
	}
	for _, e := range batch {
		turn, ok := e.Event.(events.TurnCompleted)
		if !ok {
			continue
		}
		for c := range a.waiting[turn.MessageID] {
			select {
			case c <- struct{}{}:
			default: // woken already
			}
		}
	}
}

// Await calls done, and again each time that another turn of the message became readable, until it says true or the
// context ends.
func (a *answers) Await(ctx context.Context, message uuid.UUID, done func(context.Context) (bool, error)) error {
	woken := make(chan struct{}, 1)
	a.mu.Lock()
	if a.waiting[message] == nil {
		a.waiting[message] = map[chan struct{}]bool{}
	}
	a.waiting[message][woken] = true
	a.mu.Unlock()
	defer a.forget(message, woken)
	for {
		if ok, err := done(ctx); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-woken:
		}
	}
}

func (a *answers) forget(message uuid.UUID, woken chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting[message], woken)
	if len(a.waiting[message]) == 0 {
		delete(a.waiting, message)
	}
}
