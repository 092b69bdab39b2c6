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
func (c UpdateChannel) Admit(ctx context.Context, states *States, ch Channel) (channelAdmission, error) {
	participants := ch.Participants
	switch {
	case c.Name == nil && c.Metadata == nil: // nothing that has to be sealed for a person
		participants = nil
	case c.Participants != nil:
		participants = *c.Participants
	}
	return states.admitChannel(ctx, ch, participants)
}

// Decide implements Command.
func (c UpdateChannel) Decide(_ Request, ch Channel, a channelAdmission) ([]events.Event, error) {
	if !a.alive {
		return nil, noChannel(c.ChannelID)
	}
	next := events.ChannelUpdated{ChannelID: c.ChannelID, NamedBy: ch.NamedBy, Name: ch.Name, Metadata: ch.Metadata}
	if len(ch.Opening) > 0 {
		next.OpenedBy, next.Opening = ch.OpenedBy, ch.Opening
	}
	facts := c.membership(ch)
	changed := len(facts) > 0
	if c.Name != nil && *c.Name != ch.Name {
		next.NamedBy, next.Name, changed = a.person, *c.Name, true
	}
	if c.Metadata != nil && !sameJSON(c.Metadata, next.AllMetadata()) {
		next.Metadata, next.OpenedBy, next.Opening = a.theirs(c.Metadata)
		changed = true
	}
	if changed {
		facts = append([]events.Event{next}, facts...)
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
