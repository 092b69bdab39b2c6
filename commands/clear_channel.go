package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// ClearChannel removes every message of a channel.
type ClearChannel struct {
	Unconditional[Channel]

	ChannelID uuid.UUID
}

// Stream implements Command.
func (c ClearChannel) Stream() events.StreamID { return events.ChannelStream(c.ChannelID) }

// Decide implements Command.
func (c ClearChannel) Decide(_ Request, ch Channel, _ Nothing) ([]events.Event, error) {
	if !ch.Exists {
		return nil, noChannel(c.ChannelID)
	}
	return []events.Event{events.ChannelCleared{ChannelID: c.ChannelID}}, nil
}
