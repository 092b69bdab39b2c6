package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// ClearChannel removes every message of a channel.
type ClearChannel struct {
	ChannelID uuid.UUID
}

// Stream implements Command.
func (c ClearChannel) Stream() events.StreamID { return events.ChannelStream(c.ChannelID) }

// Admit implements Command.
func (c ClearChannel) Admit(ctx context.Context, states *States, ch Channel) (bool, error) {
	return ch.alive(ctx, states)
}

// Decide implements Command.
func (c ClearChannel) Decide(_ Request, _ Channel, alive bool) ([]events.Event, error) {
	if !alive {
		return nil, noChannel(c.ChannelID)
	}
	return []events.Event{events.ChannelCleared{ChannelID: c.ChannelID}}, nil
}
