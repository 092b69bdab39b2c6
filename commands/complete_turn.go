package commands

import "annals/events"

// CompleteTurn records how an agent's dealing with a message ended, be the channel there, gone, or none of ours. A turn ends once,
// but one that failed may still succeed.
type CompleteTurn struct {
	Unconditional[Turn]

	events.TurnCompleted
}

func (CompleteTurn) begins() {}

// Stream implements Command.
func (c CompleteTurn) Stream() events.StreamID { return events.TurnStream(c.TurnID) }

// Decide implements Command.
func (c CompleteTurn) Decide(_ Request, t Turn, _ Nothing) ([]events.Event, error) {
	if t.Done() || t.Completed && c.Outcome == events.TurnFailed {
		return nil, nil
	}
	return []events.Event{c.TurnCompleted}, nil
}
