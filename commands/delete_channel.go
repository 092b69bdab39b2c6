package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// DeleteChannel removes a channel and its messages. One that is not there is gone already.
type DeleteChannel struct {
	Unconditional[Channel]

	ChannelID uuid.UUID
}

// Stream implements Command.
func (c DeleteChannel) Stream() events.StreamID { return events.ChannelStream(c.ChannelID) }

// Decide implements Command.
func (c DeleteChannel) Decide(_ Request, ch Channel, _ Nothing) ([]events.Event, error) {
	if !ch.Exists {
		return nil, nil
	}
	return []events.Event{events.ChannelDeleted{ChannelID: c.ChannelID}}, nil
}
