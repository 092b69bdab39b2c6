package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// DeleteFile removes a file. One that was removed is gone already.
type DeleteFile struct {
	FileID uuid.UUID
}

// Stream implements Command.
func (c DeleteFile) Stream() events.StreamID { return events.FileStream(c.FileID) }

// Admit implements Command.
func (c DeleteFile) Admit(ctx context.Context, states *States, f File) (bool, error) {
	return f.alive(ctx, states)
}

// Decide implements Command.
func (c DeleteFile) Decide(_ Request, f File, alive bool) ([]events.Event, error) {
	switch {
	case !f.Known:
		return nil, noFile(c.FileID)
	case !alive:
		return nil, nil
	}
	return []events.Event{events.FileDeleted{FileID: c.FileID}}, nil
}
