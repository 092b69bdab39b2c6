package commands

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// Channel is what commands know of a channel.
type Channel struct {
	Exists       bool
	ServerID     uuid.UUID
	Name         string
	Type         string
	Metadata     json.RawMessage
	Participants []uuid.UUID // in the order of joining; never changed in place: folds are shared
	// Cleared is the position of the last clear or delete: messages submitted before it are gone. Deleted is that of the
	// last deletion.
	Cleared, Deleted events.Position
}

// Apply implements State. A channel that was deleted may be created again.
func (c Channel) Apply(e events.Recorded) Channel {
	switch f := e.Event.(type) {
	case events.ChannelCreated:
		c.Exists, c.ServerID, c.Name, c.Type, c.Metadata = true, f.ServerID, f.Name, f.Type, f.Metadata
		c.Participants = f.Participants
	case events.ChannelUpdated:
		c.Name, c.Metadata = f.Name, f.Metadata
	case events.ParticipantJoined:
		c.Participants = append(slices.Clip(c.Participants), f.ParticipantID)
	case events.ParticipantLeft:
		c.Participants = slices.DeleteFunc(slices.Clone(c.Participants), func(id uuid.UUID) bool { return id == f.ParticipantID })
	case events.ChannelCleared:
		c.Cleared = e.Position
	case events.ChannelDeleted:
		return Channel{Cleared: e.Position, Deleted: e.Position}
	}
	return c
}

func noChannel(id uuid.UUID) error { return fmt.Errorf("channel %s %w", id, ErrNotFound) }
