package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// DeleteMessage removes a message. One that is not there is gone already.
type DeleteMessage struct {
	MessageID uuid.UUID
	// ChannelID, where it is given, is the channel in which the message must be.
	ChannelID uuid.UUID
}

// Stream implements Command.
func (c DeleteMessage) Stream() events.StreamID { return events.MessageStream(c.MessageID) }

// Admit implements Command.
func (c DeleteMessage) Admit(ctx context.Context, states *States, m Message) (bool, error) {
	return m.alive(ctx, states)
}

// Decide implements Command.
func (c DeleteMessage) Decide(_ Request, m Message, alive bool) ([]events.Event, error) {
	if !alive {
		return nil, nil
	}
	if c.ChannelID != uuid.Nil && c.ChannelID != m.ChannelID {
		return nil, noMessage(c.MessageID)
	}
	return []events.Event{events.MessageDeleted{MessageID: c.MessageID, ChannelID: m.ChannelID}}, nil
}
