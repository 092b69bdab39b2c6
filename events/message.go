package events

import (
	"encoding/json"

	"github.com/google/uuid"
)

// MessageStream is the stream of one message.
func MessageStream(id uuid.UUID) StreamID { return Stream("message", id) }

var messageEvents = []Event{MessageSubmitted{}, MessageEdited{}, MessageDeleted{}}

// MessageSubmitted: somebody said something in a channel.
type MessageSubmitted struct {
	MessageID uuid.UUID `json:"messageId"`
	ChannelID uuid.UUID `json:"channelId"`
	// ServerID is the server that the request named; it need not be the channel's.
	ServerID   uuid.UUID       `json:"serverId"`
	AuthorID   uuid.UUID       `json:"authorId"`
	AuthorName string          `json:"authorName,omitempty" seal:"AuthorID"`
	Content    string          `json:"content" seal:"AuthorID"`
	RawMessage json.RawMessage `json:"rawMessage,omitempty" seal:"AuthorID"`
	Metadata   json.RawMessage `json:"metadata,omitempty" seal:"AuthorID"`
	SourceType string          `json:"sourceType,omitempty"`
	SourceID   string          `json:"sourceId,omitempty"`
	InReplyTo  uuid.UUID       `json:"inReplyTo,omitzero"`
	// ByAgent tells that the author was an agent when the message was accepted.
	ByAgent bool `json:"byAgent,omitempty"`
	// Submitted tells that it came as the answer of an agent that runs elsewhere (POST /api/messaging/submit).
	Submitted bool `json:"submitted,omitempty"`
	// Audience are the running agents that took part when the message was accepted, the author excepted.
	Audience []uuid.UUID `json:"audience,omitempty"`
}

// MessageEdited: content and metadata of a message are these from now on, whole.
type MessageEdited struct {
	MessageID uuid.UUID       `json:"messageId"`
	ChannelID uuid.UUID       `json:"channelId"`
	AuthorID  uuid.UUID       `json:"authorId"`
	Content   string          `json:"content" seal:"AuthorID"`
	Metadata  json.RawMessage `json:"metadata,omitempty" seal:"AuthorID"`
}

// MessageDeleted: the message is gone.
type MessageDeleted struct {
	MessageID uuid.UUID `json:"messageId"`
	ChannelID uuid.UUID `json:"channelId"`
}

// EventType implements Event.
func (MessageSubmitted) EventType() string { return "MessageSubmitted" }

// EventType implements Event.
func (MessageEdited) EventType() string { return "MessageEdited" }

// EventType implements Event.
func (MessageDeleted) EventType() string { return "MessageDeleted" }
