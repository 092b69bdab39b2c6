package commands

import (
	"encoding/json"
	"fmt"
	"sync"

	"annals/events"
)

// maxAssumed bounds the size of the facts that an Env assumes, as JSON.
const maxAssumed = 64 << 20

// firstAssumed is where assumed facts stand in the log: behind all that is recorded.
const firstAssumed events.Position = 1 << 62

// assumptions are the facts that an Env assumes. They are safe for concurrent use; nil assumes nothing.
type assumptions struct {
	mu      sync.Mutex
	streams map[events.StreamID][]assumption
	count   int
	size    int
}

type assumption struct {
	position events.Position
	event    events.Event
}

// Assuming returns an Env for Try in which the stream goes on with these facts, although they are not recorded. An Env that
// assumes facts already is itself extended, in constant time. It fails with events.ErrTooLarge when that is too much.
func (env Env) Assuming(s events.StreamID, facts ...events.Event) (Env, error) {
	if env.assumed == nil {
		env.assumed = &assumptions{streams: map[events.StreamID][]assumption{}}
		env.States = env.States.assuming(env.assumed)
	}
	return env, env.assumed.add(s, facts)
}

func (a *assumptions) add(s events.StreamID, facts []events.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, fact := range facts {
		raw, err := json.Marshal(fact)
		if err != nil {
			return fmt.Errorf("%s: %w: %w", fact.EventType(), events.ErrInvalid, err)
		}
		if a.size += len(raw); a.size > maxAssumed {
			return fmt.Errorf("%w: more than %d bytes would have to be assumed", events.ErrTooLarge, maxAssumed)
		}
		a.streams[s] = append(a.streams[s], assumption{firstAssumed + events.Position(a.count), fact})
		a.count++
	}
	return nil
}

// of returns the facts that a stream is assumed to go on with, the first of them at that revision.
func (a *assumptions) of(s events.StreamID, first events.Revision) (facts []events.Recorded) {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, f := range a.streams[s] {
		facts = append(facts, events.Recorded{Stream: s, Revision: uint64(int(first) + i), Position: f.position, Event: f.event})
	}
	return facts
}
