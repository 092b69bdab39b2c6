package commands

import (
	"context"

	"annals/events"
)

// CompleteTurn records how an agent's dealing with a message ended. A turn ends once, but one that failed may still succeed.
type CompleteTurn struct{ events.TurnCompleted }

func (CompleteTurn) begins() {}

// Stream implements Command.
func (c CompleteTurn) Stream() events.StreamID { return events.TurnStream(c.TurnID) }

// Admit implements Admitted: a client names a channel that exists; what one of our own agents did is recorded anyway.
func (c CompleteTurn) Admit(ctx context.Context, p *Parents, _ Turn) error {
	if c.Outcome != events.TurnClosed {
		return nil
	}
	ch, err := p.Channel(ctx, c.ChannelID)
	if err == nil && !ch.Exists {
		return noChannel(c.ChannelID)
	}
	return err
}

// Decide implements Command.
func (c CompleteTurn) Decide(_ Request, t Turn) ([]events.Event, error) {
	if t.Done() || t.Completed && c.Outcome == events.TurnFailed {
		return nil, nil
	}
	return []events.Event{c.TurnCompleted}, nil
}
