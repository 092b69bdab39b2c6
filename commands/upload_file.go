package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// UploadFile makes a file of bytes that are in the blob store. Agents and channels need not exist: clients upload first.
// The same id again is the same file.
type UploadFile struct {
	FileID   uuid.UUID
	Owner    string // one of events.FileOf… and FileBy…
	OwnerID  uuid.UUID
	Filename string
	Name     string
	Type     string
	Size     int64
	SHA256   string
	Width    int
	Height   int
}

func (UploadFile) begins() {}

// Stream implements Command.
func (c UploadFile) Stream() events.StreamID { return events.FileStream(c.FileID) }

// Admit implements Command.
func (c UploadFile) Admit(ctx context.Context, states *States, f File) (bool, error) {
	return f.alive(ctx, states)
}

// Decide implements Command.
func (c UploadFile) Decide(_ Request, _ File, alive bool) ([]events.Event, error) {
	if alive {
		return nil, nil
	}
	return []events.Event{events.FileUploaded{
		FileID: c.FileID, Owner: c.Owner, OwnerID: c.OwnerID, Filename: c.Filename, Name: c.Name, Type: c.Type, Size: c.Size,
		SHA256: c.SHA256, Width: c.Width, Height: c.Height,
	}}, nil
}
