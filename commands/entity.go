package commands

import (
	"context"
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

// alive reports whether the agent knows the entity still, after what happened to the agent.
func (n Entity) alive(ctx context.Context, states *States) (bool, error) {
	if n.Seen == 0 {
		return false, nil
	}
	a, err := states.Agent(ctx, n.AgentID)
	return a.holds(n.Seen), err
}
