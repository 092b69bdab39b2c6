package commands

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
)

// EditMessage changes what is given of a message, whole; what is nil stays.
type EditMessage struct {
	MessageID uuid.UUID
	Content   *string
	Metadata  json.RawMessage

	alive bool
}

// Stream implements Command.
func (c *EditMessage) Stream() events.StreamID { return events.MessageStream(c.MessageID) }

// Admit implements Admitted.
func (c *EditMessage) Admit(ctx context.Context, p *States, m Message) (err error) {
	c.alive, err = m.alive(ctx, p)
	return err
}

// Decide implements Command.
func (c *EditMessage) Decide(_ Request, m Message) ([]events.Event, error) {
	if !c.alive {
		return nil, noMessage(c.MessageID)
	}
	content, metadata := m.Content, m.Metadata
	if c.Content != nil {
		content = *c.Content
	}
	if c.Metadata != nil {
		metadata = c.Metadata
	}
	if content == m.Content && sameJSON(metadata, m.Metadata) {
		return nil, nil
	}
	return []events.Event{events.MessageEdited{
		MessageID: c.MessageID, ChannelID: m.ChannelID, AuthorID: m.AuthorID, Content: content, Metadata: metadata,
	}}, nil
}
