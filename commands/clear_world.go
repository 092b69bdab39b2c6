package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// ClearWorld removes every memory of a world's rooms. There are none where there is no such world.
type ClearWorld struct {
	WorldID uuid.UUID

	alive bool
}

// Stream implements Command.
func (c *ClearWorld) Stream() events.StreamID { return events.WorldStream(c.WorldID) }

// Admit implements Admitted.
func (c *ClearWorld) Admit(ctx context.Context, p *States, w World) (err error) {
	c.alive, err = w.alive(ctx, p)
	return err
}

// Decide implements Command.
func (c *ClearWorld) Decide(Request, World) ([]events.Event, error) {
	if !c.alive {
		return nil, nil
	}
	return []events.Event{events.WorldCleared{WorldID: c.WorldID}}, nil
}
