package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// DeleteWorld removes a world with its rooms and their memories. One that is not there is gone already.
type DeleteWorld struct {
	WorldID uuid.UUID
}

// Stream implements Command.
func (c DeleteWorld) Stream() events.StreamID { return events.WorldStream(c.WorldID) }

// Admit implements Command.
func (c DeleteWorld) Admit(ctx context.Context, states *States, w World) (bool, error) {
	return w.alive(ctx, states)
}

// Decide implements Command.
func (c DeleteWorld) Decide(_ Request, _ World, alive bool) ([]events.Event, error) {
	if !alive {
		return nil, nil
	}
	return []events.Event{events.WorldDeleted{WorldID: c.WorldID}}, nil
}
