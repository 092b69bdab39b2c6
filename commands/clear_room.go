package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// ClearRoom removes every memory of a room of an agent. There are none where there is no such room.
type ClearRoom struct {
	RoomID, AgentID uuid.UUID
}

// Stream implements Command.
func (c ClearRoom) Stream() events.StreamID { return events.RoomStream(c.RoomID) }

// Admit implements Command: the agent exists.
func (c ClearRoom) Admit(ctx context.Context, states *States, r Room) (bool, error) {
	if err := states.agentExists(ctx, c.AgentID); err != nil {
		return false, err
	}
	return r.alive(ctx, states)
}

// Decide implements Command.
func (c ClearRoom) Decide(_ Request, r Room, alive bool) ([]events.Event, error) {
	switch {
	case !alive:
		return nil, nil
	case r.AgentID != c.AgentID:
		return nil, noRoom(c.RoomID)
	}
	return []events.Event{events.RoomCleared{RoomID: c.RoomID, AgentID: c.AgentID}}, nil
}
