package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// ClearRoom removes every memory of a room of an agent. There are none where there is no such room.
type ClearRoom struct {
	RoomID, AgentID uuid.UUID

	alive bool
}

// Stream implements Command.
func (c *ClearRoom) Stream() events.StreamID { return events.RoomStream(c.RoomID) }

// Admit implements Admitted: the agent exists.
func (c *ClearRoom) Admit(ctx context.Context, p *States, r Room) (err error) {
	if err := p.agentExists(ctx, c.AgentID); err != nil {
		return err
	}
	c.alive, err = r.alive(ctx, p)
	return err
}

// Decide implements Command.
func (c *ClearRoom) Decide(_ Request, r Room) ([]events.Event, error) {
	switch {
	case !c.alive:
		return nil, nil
	case r.AgentID != c.AgentID:
		return nil, noRoom(c.RoomID)
	}
	return []events.Event{events.RoomCleared{RoomID: c.RoomID, AgentID: c.AgentID}}, nil
}
