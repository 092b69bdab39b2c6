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

	alive bool
}

// Stream implements Command.
func (c *DeleteMessage) Stream() events.StreamID { return events.MessageStream(c.MessageID) }

// Admit implements Admitted.
func (c *DeleteMessage) Admit(ctx context.Context, p *States, m Message) (err error) {
	c.alive, err = m.alive(ctx, p)
	return err
}

// Decide implements Command.
func (c *DeleteMessage) Decide(_ Request, m Message) ([]events.Event, error) {
	if !c.alive {
		return nil, nil
	}
	if c.ChannelID != uuid.Nil && c.ChannelID != m.ChannelID {
		return nil, noMessage(c.MessageID)
	}
	return []events.Event{events.MessageDeleted{MessageID: c.MessageID, ChannelID: m.ChannelID}}, nil
}
