package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// Message is what commands know of a message.
type Message struct {
	Exists    bool
	ChannelID uuid.UUID
	ServerID  uuid.UUID
	AuthorID  uuid.UUID
	SubjectID uuid.UUID // see events.MessageSubmitted
	Content   string
	Metadata  json.RawMessage
	Submitted events.Position
	// What an agent may change besides when it shows an action, and what is broadcast to the channel then.
	RawMessage json.RawMessage
	SourceType string
	InReplyTo  uuid.UUID
	AuthorName string
	SaidAt     time.Time

	ByAgent bool
	Hops    int // see Request
	// Audience are the agents that it reached.
	Audience []uuid.UUID
}

// Apply implements State. A message that was deleted may be submitted again.
func (m Message) Apply(e events.Recorded) Message {
	switch f := e.Event.(type) {
	case events.MessageSubmitted:
		return Message{
			Exists: true, ChannelID: f.ChannelID, ServerID: f.ServerID, AuthorID: f.AuthorID, SubjectID: f.SubjectID,
			RawMessage: f.RawMessage, SourceType: f.SourceType, InReplyTo: f.InReplyTo, AuthorName: f.AuthorName, SaidAt: e.Meta.At,
			Content: f.Content, Metadata: f.Metadata, Submitted: e.Position, ByAgent: f.ByAgent, Hops: e.Meta.Hops, Audience: f.Audience,
		}
	case events.MessageEdited:
		m.Content, m.Metadata = f.Content, f.Metadata
		if f.Action {
			m.RawMessage, m.SourceType, m.InReplyTo = f.RawMessage, f.SourceType, f.InReplyTo
		}
	case events.MessageDeleted:
		return Message{}
	}
	return m
}

// person is the person whose words the message has, uuid.Nil where it has an agent's alone.
func (m Message) person() uuid.UUID {
	if m.ByAgent {
		return m.SubjectID
	}
	return m.AuthorID
}

// alive tells whether the message is still there after what happened to its channel.
func (m Message) alive(ctx context.Context, states *States) (bool, error) {
	if !m.Exists {
		return false, nil
	}
	c, err := states.Channel(ctx, m.ChannelID)
	return c.keeps(m.Submitted), err
}

// InReplyTo returns the request as one that answers a message: an answer to what an agent said is one hop further from the
// person who began. It fails with ErrNotFound where there is no such message.
func InReplyTo(ctx context.Context, env Env, r Request, message uuid.UUID) (Request, error) {
	m, err := env.States.MessageNow(ctx, message)
	switch {
	case err != nil:
		return r, err
	case !m.Exists:
		return r, noMessage(message)
	case m.ByAgent:
		r.Hops = m.Hops + 1
	}
	return r, nil
}

func noMessage(id uuid.UUID) error { return fmt.Errorf("message %s %w", id, ErrNotFound) }
