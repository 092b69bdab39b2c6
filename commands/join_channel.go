package commands

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// JoinChannel lets a person or an agent take part in a channel.
type JoinChannel struct {
	ChannelID, ParticipantID uuid.UUID
}

// Stream implements Command.
func (c JoinChannel) Stream() events.StreamID { return events.ChannelStream(c.ChannelID) }

// Admit implements Command.
func (c JoinChannel) Admit(ctx context.Context, states *States, ch Channel) (bool, error) {
	return ch.alive(ctx, states)
}

// Decide implements Command.
func (c JoinChannel) Decide(_ Request, ch Channel, alive bool) ([]events.Event, error) {
	switch {
	case !alive:
		return nil, noChannel(c.ChannelID)
	case slices.Contains(ch.Participants, c.ParticipantID):
		return nil, nil
	}
	return []events.Event{events.ParticipantJoined{ChannelID: c.ChannelID, ParticipantID: c.ParticipantID}}, nil
}
