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
	NamedBy      uuid.UUID // see events.ChannelCreated
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
		c.NamedBy, c.OpenedBy, c.Opening = f.NamedBy, f.OpenedBy, f.Opening
		c.Participants = f.Participants
	case events.ChannelUpdated:
		c.NamedBy, c.Name, c.Metadata, c.OpenedBy, c.Opening = f.NamedBy, f.Name, f.Metadata, f.OpenedBy, f.Opening
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

// channelAdmission is what other streams say about a channel: whether it is there, and who is the only person in it, uuid.Nil where there
// is none or several.
type channelAdmission struct {
	alive  bool
	person uuid.UUID
}

func (s *States) admitChannel(ctx context.Context, c Channel, participants []uuid.UUID) (a channelAdmission, err error) {
	if a.alive, err = c.alive(ctx, s); err != nil {
		return a, err
	}
	for _, id := range participants {
		agent, err := s.Agent(ctx, id)
		switch {
		case err != nil:
			return a, err
		case agent.Exists || id == a.person:
		case a.person != uuid.Nil:
			a.person = uuid.Nil
			return a, nil
		default:
			a.person = id
		}
	}
	return a, nil
}

// theirs splits what a client says of a channel into what is the channel's and what is the only person's in it: all that is said.
func (a channelAdmission) theirs(metadata json.RawMessage) (channels json.RawMessage, openedBy uuid.UUID, opening json.RawMessage) {
	var members map[string]json.RawMessage
	if a.person == uuid.Nil || json.Unmarshal(metadata, &members) != nil || len(members) == 0 {
		return metadata, uuid.Nil, nil
	}
	return nil, a.person, metadata
}

func noChannel(id uuid.UUID) error { return fmt.Errorf("channel %s %w", id, ErrNotFound) }
