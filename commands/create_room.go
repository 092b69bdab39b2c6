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
	NamedBy   uuid.UUID // see events.RoomCreated
	Name      string
	Type      string
	Source    string
	Metadata  json.RawMessage
	Entities  []uuid.UUID
}

func (CreateRoom) begins() {}

// Stream implements Command.
func (c CreateRoom) Stream() events.StreamID { return events.RoomStream(c.RoomID) }

// Admit implements Command: the agent exists and, where one is named, the world.
func (c CreateRoom) Admit(ctx context.Context, states *States, r Room) (bool, error) {
	if err := states.agentExists(ctx, c.AgentID); err != nil {
		return false, err
	}
	if c.WorldID != uuid.Nil {
		w, err := states.World(ctx, c.WorldID)
		if err != nil {
			return false, err
		}
		there, err := w.alive(ctx, states)
		if err != nil {
			return false, err
		}
		if !there {
			return false, noWorld(c.WorldID)
		}
	}
	return r.alive(ctx, states)
}

// Decide implements Command.
func (c CreateRoom) Decide(_ Request, r Room, alive bool) ([]events.Event, error) {
	switch {
	case alive && r.AgentID != c.AgentID:
		return nil, fmt.Errorf("room %s: %w: it belongs to another agent", c.RoomID, ErrRefused)
	case alive:
		return nil, nil
	}
	return []events.Event{events.RoomCreated{
		RoomID: c.RoomID, AgentID: c.AgentID, WorldID: c.WorldID, ChannelID: c.ChannelID, ServerID: c.ServerID, NamedBy: c.NamedBy, Name: c.Name,
		Type: c.Type, Source: c.Source, Metadata: c.Metadata, Entities: distinct(c.Entities),
	}}, nil
}
