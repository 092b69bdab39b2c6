package commands

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// Message is what commands know of a message.
type Message struct {
	Exists    bool
	ChannelID uuid.UUID
	ServerID  uuid.UUID
	AuthorID  uuid.UUID
	Content   string
	Metadata  json.RawMessage
	Submitted events.Position
	// Audience are the agents that it reached.
	Audience []uuid.UUID
}

// Apply implements State. A message that was deleted may be submitted again.
func (m Message) Apply(e events.Recorded) Message {
	switch f := e.Event.(type) {
	case events.MessageSubmitted:
		return Message{
			Exists: true, ChannelID: f.ChannelID, ServerID: f.ServerID, AuthorID: f.AuthorID,
			Content: f.Content, Metadata: f.Metadata, Submitted: e.Position, Audience: f.Audience,
		}
	case events.MessageEdited:
		m.Content, m.Metadata = f.Content, f.Metadata
	case events.MessageDeleted:
		return Message{}
	}
	return m
}

// alive tells whether the message is still there after what happened to its channel.
func (m Message) alive(ctx context.Context, p *States) (bool, error) {
	if !m.Exists {
		return false, nil
	}
	c, err := p.Channel(ctx, m.ChannelID)
	return m.Submitted > c.Cleared, err
}

func noMessage(id uuid.UUID) error { return fmt.Errorf("message %s %w", id, ErrNotFound) }
