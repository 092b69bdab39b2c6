package commands

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// LeaveChannel ends somebody's part in a channel.
type LeaveChannel struct {
	ChannelID, ParticipantID uuid.UUID
}

// Stream implements Command.
func (c LeaveChannel) Stream() events.StreamID { return events.ChannelStream(c.ChannelID) }

// Admit implements Command.
func (c LeaveChannel) Admit(ctx context.Context, states *States, ch Channel) (bool, error) {
	return ch.alive(ctx, states)
}

// Decide implements Command.
func (c LeaveChannel) Decide(_ Request, ch Channel, alive bool) ([]events.Event, error) {
	switch {
	case !alive:
		return nil, noChannel(c.ChannelID)
	case !slices.Contains(ch.Participants, c.ParticipantID):
		return nil, fmt.Errorf("participant %s of channel %s %w", c.ParticipantID, c.ChannelID, ErrNotFound)
	}
	return []events.Event{events.ParticipantLeft{ChannelID: c.ChannelID, ParticipantID: c.ParticipantID}}, nil
}
