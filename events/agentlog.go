package events

import (
	"encoding/json"

	"github.com/google/uuid"
)

// AgentLogStream is the stream of one entry of an agent's log.
func AgentLogStream(id uuid.UUID) StreamID { return Stream("log", id) }

// LogModelCall begins the type of an entry about a call of a model; the model's kind (TEXT_LARGE …) follows.
const LogModelCall = "useModel:"

var agentLogEvents = []Event{LogRecorded{}, LogDeleted{}}

// LogRecorded: an agent did something that is worth knowing later, such as asking a model.
type LogRecorded struct {
	LogID    uuid.UUID `json:"logId"`
	AgentID  uuid.UUID `json:"agentId"`
	RoomID   uuid.UUID `json:"roomId,omitzero"`
	EntityID uuid.UUID `json:"entityId,omitzero"`
	// SubjectID is whose words the body repeats: the author of the message that the agent dealt with.
	SubjectID uuid.UUID `json:"subjectId"`
	// TurnID names the agent's dealing with that message.
	TurnID uuid.UUID `json:"turnId,omitzero"`
	Type   string    `json:"type"`
	// Body is an object; of a model call that of CONTRACT 2.7, with the prompt.
	Body json.RawMessage `json:"body,omitempty" seal:"SubjectID"`
	// Reasoning is what a model thought aloud in a call before it answered. It is kept for "why", and is no part of what the agent
	// says or remembers.
	Reasoning string `json:"reasoning,omitempty" seal:"SubjectID"`
}

// LogDeleted: the entry is no longer to be shown.
type LogDeleted struct {
	LogID   uuid.UUID `json:"logId"`
	AgentID uuid.UUID `json:"agentId"`
}

// EventType implements Event.
func (LogRecorded) EventType() string { return "LogRecorded" }

// EventType implements Event.
func (LogDeleted) EventType() string { return "LogDeleted" }
