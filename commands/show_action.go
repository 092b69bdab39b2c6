package commands

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
)

// ShowAction changes what is given of the message by which an agent shows what it is doing, each part whole; what is nil stays.
type ShowAction struct {
	MessageID            uuid.UUID
	Content, SourceType  *string
	RawMessage, Metadata json.RawMessage
	InReplyTo            *uuid.UUID
}

// Stream implements Command.
func (c ShowAction) Stream() events.StreamID { return events.MessageStream(c.MessageID) }

// Admit implements Command.
func (c ShowAction) Admit(ctx context.Context, states *States, m Message) (bool, error) {
	return m.alive(ctx, states)
}

// Decide implements Command.
func (c ShowAction) Decide(_ Request, m Message, alive bool) ([]events.Event, error) {
	if !alive {
		return nil, noMessage(c.MessageID)
	}
	next := m
	if c.Content != nil {
		next.Content = *c.Content
	}
	if c.SourceType != nil {
		next.SourceType = *c.SourceType
	}
	if c.InReplyTo != nil {
		next.InReplyTo = *c.InReplyTo
	}
	if c.RawMessage != nil {
		next.RawMessage = c.RawMessage
	}
	if c.Metadata != nil {
		next.Metadata = c.Metadata
	}
	same := next.Content == m.Content && next.SourceType == m.SourceType && next.InReplyTo == m.InReplyTo
	if same && sameJSON(next.RawMessage, m.RawMessage) && sameJSON(next.Metadata, m.Metadata) {
		return nil, nil
	}
	return []events.Event{events.MessageEdited{
		MessageID: c.MessageID, ChannelID: m.ChannelID, AuthorID: m.AuthorID, SubjectID: m.SubjectID, Content: next.Content,
		Metadata: next.Metadata, Action: true, RawMessage: next.RawMessage, SourceType: next.SourceType, InReplyTo: next.InReplyTo,
		ServerID: m.ServerID, AuthorName: m.AuthorName, SaidAt: m.SaidAt,
	}}, nil
}
