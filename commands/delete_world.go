package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// DeleteWorld removes a world with its rooms and their memories. One that is not there is gone already.
type DeleteWorld struct {
	WorldID uuid.UUID

	alive bool
}

// Stream implements Command.
func (c *DeleteWorld) Stream() events.StreamID { return events.WorldStream(c.WorldID) }

// Admit implements Admitted.
func (c *DeleteWorld) Admit(ctx context.Context, p *States, w World) (err error) {
	c.alive, err = w.alive(ctx, p)
	return err
}

// Decide implements Command.
func (c *DeleteWorld) Decide(Request, World) ([]events.Event, error) {
	if !c.alive {
		return nil, nil
	}
	return []events.Event{events.WorldDeleted{WorldID: c.WorldID}}, nil
}
