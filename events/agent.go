package events

import "github.com/google/uuid"

// AgentStream is the stream of one agent.
func AgentStream(id uuid.UUID) StreamID { return Stream("agent", id) }

var agentEvents = []Event{AgentCreated{}, AgentUpdated{}, AgentStarted{}, AgentStopped{}, AgentDeleted{}, AgentMemoriesCleared{}}

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
