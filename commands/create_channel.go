package commands

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
)

// CreateChannel makes a channel with its first participants. One that exists already stays as it is.
type CreateChannel struct {
	ChannelID    uuid.UUID
	ServerID     uuid.UUID
	Name         string
	Type         string
	SourceType   string
	SourceID     string
	Topic        string
	Metadata     json.RawMessage
	Participants []uuid.UUID
	// OpenedBy is the author of the message that the channel is made for, and Opening what that message says of itself.
	OpenedBy uuid.UUID
	Opening  json.RawMessage
}

func (CreateChannel) begins() {}

// Stream implements Command.
func (c CreateChannel) Stream() events.StreamID { return events.ChannelStream(c.ChannelID) }

// Admit implements Command: the server exists.
func (c CreateChannel) Admit(ctx context.Context, states *States, ch Channel) (channelAdmission, error) {
	s, err := states.Server(ctx, c.ServerID)
	if err == nil && !s.Exists {
		return channelAdmission{}, noServer(c.ServerID)
	}
	if err != nil {
		return channelAdmission{}, err
	}
	return states.admitChannel(ctx, ch, c.Participants)
}

// Decide implements Command.
func (c CreateChannel) Decide(_ Request, _ Channel, a channelAdmission) ([]events.Event, error) {
	if a.alive {
		return nil, nil
	}
	metadata, openedBy, opening := c.Metadata, c.OpenedBy, c.Opening
	if len(opening) == 0 {
		metadata, openedBy, opening = a.theirs(metadata)
	}
	return []events.Event{events.ChannelCreated{
		ChannelID: c.ChannelID, ServerID: c.ServerID, NamedBy: a.person, Name: c.Name, Type: c.Type, SourceType: c.SourceType,
		SourceID: c.SourceID, Topic: c.Topic, Metadata: metadata, Participants: distinct(c.Participants),
		OpenedBy: openedBy, Opening: opening,
	}}, nil
}

// distinct keeps the first of each.
func distinct(ids []uuid.UUID) []uuid.UUID {
	seen := make(map[uuid.UUID]bool, len(ids))
	var out []uuid.UUID
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
