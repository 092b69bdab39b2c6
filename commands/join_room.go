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

	alive bool
}

// Stream implements Command.
func (c *JoinRoom) Stream() events.StreamID { return events.RoomStream(c.RoomID) }

// Admit implements Admitted.
func (c *JoinRoom) Admit(ctx context.Context, p *States, r Room) (err error) {
	c.alive, err = r.alive(ctx, p)
	return err
}

// Decide implements Command.
func (c *JoinRoom) Decide(_ Request, r Room) ([]events.Event, error) {
	switch {
	case !c.alive || r.AgentID != c.AgentID:
		return nil, noRoom(c.RoomID)
	case slices.Contains(r.Entities, c.EntityID):
		return nil, nil
	}
	return []events.Event{events.RoomJoined{RoomID: c.RoomID, AgentID: c.AgentID, EntityID: c.EntityID}}, nil
}
