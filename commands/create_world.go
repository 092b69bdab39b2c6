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

	alive bool
}

func (*CreateWorld) begins() {}

// Stream implements Command.
func (c *CreateWorld) Stream() events.StreamID { return events.WorldStream(c.WorldID) }

// Admit implements Admitted: the agent exists.
func (c *CreateWorld) Admit(ctx context.Context, p *States, w World) (err error) {
	if err := p.agentExists(ctx, c.AgentID); err != nil {
		return err
	}
	c.alive, err = w.alive(ctx, p)
	return err
}

// Decide implements Command.
func (c *CreateWorld) Decide(Request, World) ([]events.Event, error) {
	if c.alive {
		return nil, nil
	}
	return []events.Event{events.WorldCreated{
		WorldID: c.WorldID, AgentID: c.AgentID, ServerID: c.ServerID, Name: c.Name, Metadata: c.Metadata,
	}}, nil
}
