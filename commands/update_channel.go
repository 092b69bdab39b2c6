package commands

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// UpdateChannel changes what is given of a channel, whole; what is nil stays. It is an update of the channel also where only
// those who take part change.
type UpdateChannel struct {
	ChannelID    uuid.UUID
	Name         *string
	Metadata     json.RawMessage
	Participants *[]uuid.UUID
}

// Stream implements Command.
func (c UpdateChannel) Stream() events.StreamID { return events.ChannelStream(c.ChannelID) }

// Admit implements Command.
func (c UpdateChannel) Admit(ctx context.Context, states *States, ch Channel) (bool, error) {
	return ch.alive(ctx, states)
}

// Decide implements Command.
func (c UpdateChannel) Decide(_ Request, ch Channel, alive bool) ([]events.Event, error) {
	if !alive {
		return nil, noChannel(c.ChannelID)
	}
	name, metadata := ch.Name, ch.Metadata
	if c.Name != nil {
		name = *c.Name
	}
	if c.Metadata != nil {
		metadata = c.Metadata
	}
	facts := c.membership(ch)
	if len(facts) > 0 || name != ch.Name || !sameJSON(metadata, ch.Metadata) {
		facts = append([]events.Event{events.ChannelUpdated{ChannelID: c.ChannelID, Name: name, Metadata: metadata}}, facts...)
	}
	return facts, nil
}

// membership tells who leaves and who joins.
func (c UpdateChannel) membership(ch Channel) (facts []events.Event) {
	if c.Participants == nil {
		return nil
	}
	wanted := distinct(*c.Participants)
	for _, id := range ch.Participants {
		if !slices.Contains(wanted, id) {
			facts = append(facts, events.ParticipantLeft{ChannelID: c.ChannelID, ParticipantID: id})
		}
	}
	for _, id := range wanted {
		if !slices.Contains(ch.Participants, id) {
			facts = append(facts, events.ParticipantJoined{ChannelID: c.ChannelID, ParticipantID: id})
		}
	}
	return facts
}
