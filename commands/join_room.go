package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// JoinRoom lets an entity take part in a room of an agent.
type JoinRoom struct {
	RoomID, AgentID, EntityID uuid.UUID
}

// Stream implements Command.
func (c JoinRoom) Stream() events.StreamID { return events.OccupancyStream(c.RoomID, c.EntityID) }

// Admit implements Command: the room is there, and the agent's.
func (c JoinRoom) Admit(ctx context.Context, states *States, m Membership) (occupant bool, err error) {
	r, err := states.RoomNow(ctx, c.RoomID)
	if err == nil && (!r.Exists || r.AgentID != c.AgentID) {
		err = noRoom(c.RoomID)
	}
	return r.has(c.EntityID, m), err
}

// Decide implements Command.
func (c JoinRoom) Decide(_ Request, _ Membership, occupant bool) ([]events.Event, error) {
	if occupant {
		return nil, nil
	}
	return []events.Event{events.RoomJoined{RoomID: c.RoomID, AgentID: c.AgentID, EntityID: c.EntityID}}, nil
}
