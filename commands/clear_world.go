package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// ClearWorld removes every memory of a world's rooms. There are none where there is no such world.
type ClearWorld struct {
	WorldID uuid.UUID
}

// Stream implements Command.
func (c ClearWorld) Stream() events.StreamID { return events.WorldStream(c.WorldID) }

// Admit implements Command.
func (c ClearWorld) Admit(ctx context.Context, states *States, w World) (bool, error) {
	return w.alive(ctx, states)
}

// Decide implements Command.
func (c ClearWorld) Decide(_ Request, _ World, alive bool) ([]events.Event, error) {
	if !alive {
		return nil, nil
	}
	return []events.Event{events.WorldCleared{WorldID: c.WorldID}}, nil
}
