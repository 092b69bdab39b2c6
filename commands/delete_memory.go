package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// DeleteMemory removes a memory of an agent and, if it is a document, its fragments. One that is not there is gone already.
type DeleteMemory struct {
	MemoryID, AgentID uuid.UUID
	// Forgotten is set for a document that the character no longer names.
	Forgotten bool
}

// Stream implements Command.
func (c DeleteMemory) Stream() events.StreamID { return events.MemoryStream(c.MemoryID) }

// Admit implements Command.
func (c DeleteMemory) Admit(ctx context.Context, states *States, m Memory) (bool, error) {
	return m.alive(ctx, states)
}

// Decide implements Command.
func (c DeleteMemory) Decide(_ Request, m Memory, alive bool) ([]events.Event, error) {
	switch {
	case !alive:
		return nil, nil
	case m.AgentID != c.AgentID:
		return nil, noMemory(c.MemoryID)
	}
	return []events.Event{events.MemoryDeleted{MemoryID: c.MemoryID, AgentID: c.AgentID, Forgotten: c.Forgotten}}, nil
}
