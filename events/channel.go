package events

import (
	"encoding/json"

	"github.com/google/uuid"
)

// ChannelStream is the stream of one channel's life and of its participants.
func ChannelStream(id uuid.UUID) StreamID { return Stream("channel", id) }

var channelEvents = []Event{ChannelCreated{}, ChannelUpdated{}, ParticipantJoined{}, ParticipantLeft{}, ChannelCleared{}, ChannelDeleted{}}

// ChannelCreated: a channel exists from now on, with these participants.
type ChannelCreated struct {
	ChannelID    uuid.UUID       `json:"channelId"`
	ServerID     uuid.UUID       `json:"serverId"`
	Name         string          `json:"name" seal:"ChannelID"`
	Type         string          `json:"type"`
	SourceType   string          `json:"sourceType,omitempty"`
	SourceID     string          `json:"sourceId,omitempty"`
	Topic        string          `json:"topic,omitempty" seal:"ChannelID"`
	Metadata     json.RawMessage `json:"metadata,omitempty" seal:"ChannelID"`
	Participants []uuid.UUID     `json:"participants,omitempty"`
}

// ChannelUpdated: name and metadata are these from now on, whole.
type ChannelUpdated struct {
	ChannelID uuid.UUID       `json:"channelId"`
	Name      string          `json:"name" seal:"ChannelID"`
	Metadata  json.RawMessage `json:"metadata,omitempty" seal:"ChannelID"`
}

// ParticipantJoined: a person or an agent takes part in the channel.
type ParticipantJoined struct {
	ChannelID     uuid.UUID `json:"channelId"`
	ParticipantID uuid.UUID `json:"participantId"`
}

// ParticipantLeft: a person or an agent no longer takes part in the channel.
type ParticipantLeft struct {
	ChannelID     uuid.UUID `json:"channelId"`
	ParticipantID uuid.UUID `json:"participantId"`
}

// ChannelCleared: every message submitted to the channel before this fact is gone.
type ChannelCleared struct {
	ChannelID uuid.UUID `json:"channelId"`
}

// ChannelDeleted: the channel is gone, and every message submitted to it before this fact.
type ChannelDeleted struct {
	ChannelID uuid.UUID `json:"channelId"`
}

// EventType implements Event.
func (ChannelCreated) EventType() string { return "ChannelCreated" }

// EventType implements Event.
func (ChannelUpdated) EventType() string { return "ChannelUpdated" }

// EventType implements Event.
func (ParticipantJoined) EventType() string { return "ParticipantJoined" }

// EventType implements Event.
func (ParticipantLeft) EventType() string { return "ParticipantLeft" }

// EventType implements Event.
func (ChannelCleared) EventType() string { return "ChannelCleared" }

// EventType implements Event.
func (ChannelDeleted) EventType() string { return "ChannelDeleted" }
