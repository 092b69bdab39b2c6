package commands

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
)

// CreateWorld makes a world that an agent knows. One that exists already stays as it is, whoever knows it: agents may share
// a world.
type CreateWorld struct {
	WorldID  uuid.UUID
	AgentID  uuid.UUID
	ServerID string
	Name     string
	Metadata json.RawMessage
}

func (CreateWorld) begins() {}

// Stream implements Command.
func (c CreateWorld) Stream() events.StreamID { return events.WorldStream(c.WorldID) }

// Admit implements Command: the agent exists.
func (c CreateWorld) Admit(ctx context.Context, states *States, w World) (bool, error) {
	if err := states.agentExists(ctx, c.AgentID); err != nil {
		return false, err
	}
	return w.alive(ctx, states)
}

// Decide implements Command.
func (c CreateWorld) Decide(_ Request, _ World, alive bool) ([]events.Event, error) {
	if alive {
		return nil, nil
	}
	return []events.Event{events.WorldCreated{
		WorldID: c.WorldID, AgentID: c.AgentID, ServerID: c.ServerID, Name: c.Name, Metadata: c.Metadata,
	}}, nil
}
