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
}

// Stream implements Command.
func (c EditMessage) Stream() events.StreamID { return events.MessageStream(c.MessageID) }

// Admit implements Command.
func (c EditMessage) Admit(ctx context.Context, states *States, m Message) (bool, error) {
	return m.alive(ctx, states)
}

// Decide implements Command.
func (c EditMessage) Decide(_ Request, m Message, alive bool) ([]events.Event, error) {
	if !alive {
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
		MessageID: c.MessageID, ChannelID: m.ChannelID, AuthorID: m.AuthorID, SubjectID: m.SubjectID, Content: content, Metadata: metadata,
	}}, nil
}
