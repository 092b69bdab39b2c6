package commands

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// LeaveChannel ends somebody's part in a channel.
type LeaveChannel struct {
	Unconditional[Channel]

	ChannelID, ParticipantID uuid.UUID
}

// Stream implements Command.
func (c LeaveChannel) Stream() events.StreamID { return events.ChannelStream(c.ChannelID) }

// Decide implements Command.
func (c LeaveChannel) Decide(_ Request, ch Channel, _ Nothing) ([]events.Event, error) {
	switch {
	case !ch.Exists:
		return nil, noChannel(c.ChannelID)
	case !slices.Contains(ch.Participants, c.ParticipantID):
		return nil, fmt.Errorf("participant %s of channel %s %w", c.ParticipantID, c.ChannelID, ErrNotFound)
	}
	return []events.Event{events.ParticipantLeft{ChannelID: c.ChannelID, ParticipantID: c.ParticipantID}}, nil
}
