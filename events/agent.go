package events

import (
	"strings"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// AgentStream is the stream of one agent.
func AgentStream(id uuid.UUID) StreamID { return Stream("agent", id) }

// AgentNameStream is the stream of the claims to one name.
func AgentNameStream(name string) StreamID { return Stream("agentname", AgentNameID(name)) }

// AgentNameID identifies a name that agents may bear. Names are the same if their AgentNameKey is.
func AgentNameID(name string) uuid.UUID {
	return Derive(DefaultServer, "agentname", AgentNameKey(name))
}

// AgentNameKey is what names of agents are compared by: without blanks around it, in NFC, with case.
func AgentNameKey(name string) string { return norm.NFC.String(TrimAgentName(name)) }

// TrimAgentName returns a name without the blanks around it, those included that have no width.
func TrimAgentName(name string) string {
	return strings.TrimFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' || r == '\u2060'
	})
}

var agentEvents = []Event{
	AgentCreated{}, AgentUpdated{}, AgentStarted{}, AgentStopped{}, AgentDeleted{}, AgentMemoriesCleared{}, AgentNameTaken{}, AgentNameReleased{},
}

// AgentCreated: an agent exists from now on, stopped.
type AgentCreated struct {
	AgentID   uuid.UUID `json:"agentId"`
	Character Character `json:"character" seal:"AgentID"`
}

// AgentUpdated: the agent's character is this one from now on, whole.
type AgentUpdated struct {
	AgentID   uuid.UUID `json:"agentId"`
	Character Character `json:"character" seal:"AgentID"`
	// Disabled is a mark for clients, who see it as enabled: false. Nothing else depends on it.
	Disabled bool `json:"disabled,omitempty"`
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

// AgentMemoriesCleared: every memory of the agent that was stored before this fact is gone.
type AgentMemoriesCleared struct {
	AgentID uuid.UUID `json:"agentId"`
}

// AgentNameTaken: the agent claims the name. It precedes the AgentCreated or AgentUpdated that gives the agent the name, and counts
// for a minute where none follows. The name itself is not recorded: it can be personal, and the agent has it.
type AgentNameTaken struct {
	AgentNameID uuid.UUID `json:"agentNameId"`
	AgentID     uuid.UUID `json:"agentId"`
}

// AgentNameReleased: the agent, which bears another name or is deleted, no longer claims this one.
type AgentNameReleased struct {
	AgentNameID uuid.UUID `json:"agentNameId"`
	AgentID     uuid.UUID `json:"agentId"`
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

// EventType implements Event.
func (AgentMemoriesCleared) EventType() string { return "AgentMemoriesCleared" }

// EventType implements Event.
func (AgentNameTaken) EventType() string { return "AgentNameTaken" }

// EventType implements Event.
func (AgentNameReleased) EventType() string { return "AgentNameReleased" }
