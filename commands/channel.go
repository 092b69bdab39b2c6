package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// Channel is what commands know of a channel.
type Channel struct {
	Life         // of its messages, files and what is remembered of it, where it is cleared
	ServerID     uuid.UUID
	Name         string
	Type         string
	Metadata     json.RawMessage // without the opening
	OpenedBy     uuid.UUID
	Opening      json.RawMessage
	Participants []uuid.UUID // in the order of joining; never changed in place: folds are shared
}

// Apply implements State. A channel that was deleted may be created again.
func (c Channel) Apply(e events.Recorded) Channel {
	switch f := e.Event.(type) {
	case events.ChannelCreated:
		if c.Exists { // it was gone with its server
			c.Life = c.end()
		}
		c.Life, c.ServerID, c.Name, c.Type, c.Metadata = c.madeAt(e.Position), f.ServerID, f.Name, f.Type, f.Metadata
		c.OpenedBy, c.Opening = f.OpenedBy, f.Opening
		c.Participants = f.Participants
	case events.ChannelUpdated:
		c.Name, c.Metadata, c.OpenedBy, c.Opening = f.Name, f.Metadata, f.OpenedBy, f.Opening
	case events.ParticipantJoined:
		c.Participants = append(slices.Clip(c.Participants), f.ParticipantID)
	case events.ParticipantLeft:
		c.Participants = slices.DeleteFunc(slices.Clone(c.Participants), func(id uuid.UUID) bool { return id == f.ParticipantID })
	case events.ChannelCleared:
		c.Life = c.clearedAt(e.Position)
	case events.ChannelDeleted:
		return Channel{Life: c.end()}
	}
	return c
}

// alive reports whether the channel is there after what happened to its server.
func (c Channel) alive(ctx context.Context, states *States) (bool, error) {
	if !c.Exists || c.ServerID == events.DefaultServer { // which does not end
		return c.Exists, nil
	}
	s, err := states.Server(ctx, c.ServerID)
	return s.holds(c.made), err
}

func noChannel(id uuid.UUID) error { return fmt.Errorf("channel %s %w", id, ErrNotFound) }
