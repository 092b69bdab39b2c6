package commands

import "annals/events"

// Turn is what commands know of an agent's dealing with one message.
type Turn struct {
	Completed bool
	// Failed turns may be taken up again, as when an operator retries a parked event.
	Failed bool
	// Aborted turns are not taken up, or left off.
	Aborted bool
}

// Apply implements State.
func (t Turn) Apply(e events.Recorded) Turn {
	switch f := e.Event.(type) {
	case events.TurnAborted:
		t.Aborted = true
	case events.TurnCompleted:
		t.Completed, t.Failed = true, f.Outcome == events.TurnFailed
	}
	return t
}

// Done tells whether nothing is left to be done for the turn.
func (t Turn) Done() bool { return t.Completed && !t.Failed }
