package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// DeleteFile removes a file. One that was removed is gone already.
type DeleteFile struct {
	FileID uuid.UUID

	alive bool
}

// Stream implements Command.
func (c *DeleteFile) Stream() events.StreamID { return events.FileStream(c.FileID) }

// Admit implements Admitted.
func (c *DeleteFile) Admit(ctx context.Context, p *States, f File) (err error) {
	c.alive, err = f.alive(ctx, p)
	return err
}

// Decide implements Command.
func (c *DeleteFile) Decide(_ Request, f File) ([]events.Event, error) {
	switch {
	case !f.Known:
		return nil, noFile(c.FileID)
	case !c.alive:
		return nil, nil
	}
	return []events.Event{events.FileDeleted{FileID: c.FileID}}, nil
}
