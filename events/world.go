package events

import (
	"encoding/json"

	"github.com/google/uuid"
)

// WorldStream is the stream of one world.
func WorldStream(id uuid.UUID) StreamID { return Stream("world", id) }

var worldEvents = []Event{WorldCreated{}, WorldUpdated{}, WorldCleared{}, WorldDeleted{}}

// WorldCreated: rooms can belong to this world from now on. An agent's world is its own view of a server.
type WorldCreated struct {
	WorldID  uuid.UUID       `json:"worldId"`
	AgentID  uuid.UUID       `json:"agentId"`
	ServerID string          `json:"serverId,omitempty"` // of any form
	Name     string          `json:"name" seal:"WorldID"`
	Metadata json.RawMessage `json:"metadata,omitempty" seal:"WorldID"`
}

// WorldUpdated: name and metadata are these from now on, whole.
type WorldUpdated struct {
	WorldID  uuid.UUID       `json:"worldId"`
	AgentID  uuid.UUID       `json:"agentId"`
	Name     string          `json:"name" seal:"WorldID"`
	Metadata json.RawMessage `json:"metadata,omitempty" seal:"WorldID"`
}

// WorldCleared: every memory of the world's rooms that was stored before this fact is gone.
type WorldCleared struct {
	WorldID uuid.UUID `json:"worldId"`
}

// WorldDeleted: the world is gone, with its rooms and their memories.
type WorldDeleted struct {
	WorldID uuid.UUID `json:"worldId"`
}

// EventType implements Event.
func (WorldCreated) EventType() string { return "WorldCreated" }

// EventType implements Event.
func (WorldUpdated) EventType() string { return "WorldUpdated" }

// EventType implements Event.
func (WorldCleared) EventType() string { return "WorldCleared" }

// EventType implements Event.
func (WorldDeleted) EventType() string { return "WorldDeleted" }
