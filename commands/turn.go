package commands

import "annals/events"

// Turn is what commands know of an agent's dealing with one message.
type Turn struct{ Completed bool }

// Apply implements State.
func (t Turn) Apply(e events.Recorded) Turn {
	if _, ok := e.Event.(events.TurnCompleted); ok {
		t.Completed = true
	}
	return t
}
