package commands

import (
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// JoinChannel lets a person or an agent take part in a channel.
type JoinChannel struct {
	Unconditional[Channel]

	ChannelID, ParticipantID uuid.UUID
}

// Stream implements Command.
func (c JoinChannel) Stream() events.StreamID { return events.ChannelStream(c.ChannelID) }

// Decide implements Command.
func (c JoinChannel) Decide(_ Request, ch Channel, _ Nothing) ([]events.Event, error) {
	switch {
	case !ch.Exists:
		return nil, noChannel(c.ChannelID)
	case slices.Contains(ch.Participants, c.ParticipantID):
		return nil, nil
	}
	return []events.Event{events.ParticipantJoined{ChannelID: c.ChannelID, ParticipantID: c.ParticipantID}}, nil
}
