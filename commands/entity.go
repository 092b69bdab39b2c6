package commands

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
)

// Entity is what commands know of somebody whom an agent knows.
type Entity struct {
	AgentID   uuid.UUID
	SubjectID uuid.UUID
	Names     []string
	Metadata  json.RawMessage
	Seen      events.Position // the last time
}

// Apply implements State.
func (n Entity) Apply(e events.Recorded) Entity {
	if f, ok := e.Event.(events.EntitySeen); ok {
		return Entity{AgentID: f.AgentID, SubjectID: f.SubjectID, Names: f.Names, Metadata: f.Metadata, Seen: e.Position}
	}
	return n
}
