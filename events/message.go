package events

import (
	"encoding/json"
	"time"

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
	ServerID   uuid.UUID `json:"serverId"`
	AuthorID   uuid.UUID `json:"authorId"`
	AuthorName string    `json:"authorName,omitempty" seal:"AuthorID"`
	// SubjectID is the person whose words an agent's answer repeats: the one whom it answers. Other messages, and records of
	// earlier releases, lack it.
	SubjectID  uuid.UUID       `json:"subjectId,omitzero"`
	Content    string          `json:"content" seal:"SubjectID,else=AuthorID"`
	RawMessage json.RawMessage `json:"rawMessage,omitempty" seal:"SubjectID,else=AuthorID"`
	Metadata   json.RawMessage `json:"metadata,omitempty" seal:"SubjectID,else=AuthorID"`
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

// Subject is the person whose words the message has: its author, of an agent's answer the person whom it answers.
func (f MessageSubmitted) Subject() uuid.UUID {
	if f.SubjectID != uuid.Nil {
		return f.SubjectID
	}
	return f.AuthorID
}

// MessageEdited: content and metadata of a message are these from now on, whole.
type MessageEdited struct {
	MessageID uuid.UUID       `json:"messageId"`
	ChannelID uuid.UUID       `json:"channelId"`
	AuthorID  uuid.UUID       `json:"authorId"`
	SubjectID uuid.UUID       `json:"subjectId,omitzero"` // that of MessageSubmitted
	Content   string          `json:"content" seal:"SubjectID,else=AuthorID"`
	Metadata  json.RawMessage `json:"metadata,omitempty" seal:"SubjectID,else=AuthorID"`
	// Action reports whether the message shows what an agent is doing. The fields below then hold its state from now on, which is
	// broadcast to the channel.
	Action     bool            `json:"action,omitempty"`
	RawMessage json.RawMessage `json:"rawMessage,omitempty" seal:"SubjectID,else=AuthorID"`
	SourceType string          `json:"sourceType,omitempty"`
	InReplyTo  uuid.UUID       `json:"inReplyTo,omitzero"`
	// ServerID, AuthorName and SaidAt are those of the submission.
	ServerID   uuid.UUID `json:"serverId,omitzero"`
	AuthorName string    `json:"authorName,omitempty" seal:"SubjectID,else=AuthorID"`
	SaidAt     time.Time `json:"saidAt,omitzero"`
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
