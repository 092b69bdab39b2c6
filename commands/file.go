package commands

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// File is what commands know of an uploaded file.
type File struct {
	Exists bool
	// Known tells that there was one at some time.
	Known    bool
	Owner    string
	OwnerID  uuid.UUID
	Uploaded events.Position
}

// Apply implements State.
func (f File) Apply(e events.Recorded) File {
	switch u := e.Event.(type) {
	case events.FileUploaded:
		return File{Exists: true, Known: true, Owner: u.Owner, OwnerID: u.OwnerID, Uploaded: e.Position}
	case events.FileDeleted:
		return File{Known: true}
	}
	return f
}

// alive reports whether the file is there after what happened to its owner.
func (f File) alive(ctx context.Context, states *States) (bool, error) {
	if !f.Exists {
		return false, nil
	}
	switch f.Owner {
	case events.FileOfChannel:
		c, err := states.Channel(ctx, f.OwnerID)
		return c.keeps(f.Uploaded), err
	case events.FileOfAgent, events.FileByGenerator:
		a, err := states.Agent(ctx, f.OwnerID)
		return a.holds(f.Uploaded), err
	}
	return true, nil
}

func noFile(id uuid.UUID) error { return fmt.Errorf("file %s %w", id, ErrNotFound) }
