package commands

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// JoinRoom lets an entity take part in a room of an agent.
type JoinRoom struct {
	RoomID, AgentID, EntityID uuid.UUID
}

// Stream implements Command.
func (c JoinRoom) Stream() events.StreamID { return events.RoomStream(c.RoomID) }

// Admit implements Command.
func (c JoinRoom) Admit(ctx context.Context, states *States, r Room) (bool, error) {
	return r.alive(ctx, states)
}

// Decide implements Command.
func (c JoinRoom) Decide(_ Request, r Room, alive bool) ([]events.Event, error) {
	switch {
	case !alive || r.AgentID != c.AgentID:
		return nil, noRoom(c.RoomID)
	case slices.Contains(r.Entities, c.EntityID):
		return nil, nil
	}
	return []events.Event{events.RoomJoined{RoomID: c.RoomID, AgentID: c.AgentID, EntityID: c.EntityID}}, nil
}
