package commands

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// CreateRoom makes a room of an agent. One of the agent's that exists already stays as it is.
type CreateRoom struct {
	RoomID    uuid.UUID
	AgentID   uuid.UUID
	WorldID   uuid.UUID
	ChannelID uuid.UUID
	ServerID  string
	Name      string
	Type      string
	Source    string
	Metadata  json.RawMessage
	Entities  []uuid.UUID

	alive bool
}

func (*CreateRoom) begins() {}

// Stream implements Command.
func (c *CreateRoom) Stream() events.StreamID { return events.RoomStream(c.RoomID) }

// Admit implements Admitted: the agent exists and, where one is named, the world.
func (c *CreateRoom) Admit(ctx context.Context, p *States, r Room) error {
	if err := p.agentExists(ctx, c.AgentID); err != nil {
		return err
	}
	if c.WorldID != uuid.Nil {
		w, err := p.World(ctx, c.WorldID)
		if err != nil {
			return err
		}
		there, err := w.alive(ctx, p)
		if err != nil {
			return err
		}
		if !there {
			return noWorld(c.WorldID)
		}
	}
	var err error
	c.alive, err = r.alive(ctx, p)
	return err
}

// Decide implements Command.
func (c *CreateRoom) Decide(_ Request, r Room) ([]events.Event, error) {
	switch {
	case c.alive && r.AgentID != c.AgentID:
		return nil, fmt.Errorf("room %s: %w: it belongs to another agent", c.RoomID, ErrRefused)
	case c.alive:
		return nil, nil
	}
	return []events.Event{events.RoomCreated{
		RoomID: c.RoomID, AgentID: c.AgentID, WorldID: c.WorldID, ChannelID: c.ChannelID, ServerID: c.ServerID, Name: c.Name,
		Type: c.Type, Source: c.Source, Metadata: c.Metadata, Entities: distinct(c.Entities),
	}}, nil
}
