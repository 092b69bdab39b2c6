package commands

import "annals/events"

// Turn is what commands know of an agent's dealing with one message.
type Turn struct {
	Completed bool
	// Failed turns may be taken up again, as when an operator retries a parked event.
	Failed bool
}

// Apply implements State.
func (t Turn) Apply(e events.Recorded) Turn {
	if f, ok := e.Event.(events.TurnCompleted); ok {
		return Turn{Completed: true, Failed: f.Outcome == events.TurnFailed}
	}
	return t
}
