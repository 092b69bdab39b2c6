package events

import (
	"encoding/json"
	"log/slog"

	"github.com/google/uuid"
)

// AgentStream is the stream of one agent.
func AgentStream(id uuid.UUID) StreamID { return Stream("agent", id) }

// AgentCreated: an agent exists from now on, stopped.
type AgentCreated struct {
	AgentID   uuid.UUID `json:"agentId"`
	Character Character `json:"character" seal:"AgentID"`
}

// AgentUpdated: the agent's character is this one from now on, whole.
type AgentUpdated struct {
	AgentID   uuid.UUID `json:"agentId"`
	Character Character `json:"character" seal:"AgentID"`
}

// AgentStarted: the agent takes part and answers, until AgentStopped, across restarts of the server.
type AgentStarted struct {
	AgentID uuid.UUID `json:"agentId"`
}

// AgentStopped: the agent no longer takes part.
type AgentStopped struct {
	AgentID uuid.UUID `json:"agentId"`
}

// AgentDeleted: the agent and what was its own are gone; messages in channels stay.
type AgentDeleted struct {
	AgentID uuid.UUID `json:"agentId"`
}

// EventType implements Event.
func (AgentCreated) EventType() string { return "AgentCreated" }

// EventType implements Event.
func (AgentUpdated) EventType() string { return "AgentUpdated" }

// EventType implements Event.
func (AgentStarted) EventType() string { return "AgentStarted" }

// EventType implements Event.
func (AgentStopped) EventType() string { return "AgentStopped" }

// EventType implements Event.
func (AgentDeleted) EventType() string { return "AgentDeleted" }

// Character is who an agent is, as ElizaOS 1.2.0 writes it (CONTRACT 2.4). Free parts stay as the JSON they came as.
type Character struct {
	Name            string                     `json:"name"`
	Username        string                     `json:"username,omitempty"`
	System          string                     `json:"system,omitempty"`
	Bio             json.RawMessage            `json:"bio,omitempty"` // a string or an array of strings
	Templates       json.RawMessage            `json:"templates,omitempty"`
	MessageExamples json.RawMessage            `json:"messageExamples,omitempty"`
	PostExamples    []string                   `json:"postExamples,omitempty"`
	Topics          []string                   `json:"topics,omitempty"`
	Adjectives      []string                   `json:"adjectives,omitempty"`
	Knowledge       json.RawMessage            `json:"knowledge,omitempty"`
	Plugins         []string                   `json:"plugins,omitempty"`
	Settings        map[string]json.RawMessage `json:"settings,omitempty"` // without "secrets"
	Secrets         map[string]Secret          `json:"secrets,omitempty"`  // what clients see as settings.secrets
	Style           json.RawMessage            `json:"style,omitempty"`
}

// Secret is one value of a character's secrets: a JSON value whose strings are already in ElizaOS's encrypted form
// (CONTRACT 2.3). It prints and logs masked; only Reveal gives the value away.
type Secret struct{ value json.RawMessage }

// NewSecret wraps a JSON value.
func NewSecret(v json.RawMessage) Secret { return Secret{value: v} }

// Reveal gives the JSON value.
func (s Secret) Reveal() json.RawMessage { return s.value }

// String implements fmt.Stringer.
func (Secret) String() string { return "[secret]" }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return "[secret]" }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalJSON writes the value as it is: secrets are only ever encoded into sealed events.
func (s Secret) MarshalJSON() ([]byte, error) {
	if s.value == nil {
		return []byte("null"), nil
	}
	return s.value, nil
}

// UnmarshalJSON keeps the value as it is.
func (s *Secret) UnmarshalJSON(b []byte) error {
	s.value = append(json.RawMessage(nil), b...)
	return nil
}
