package events

import (
	"encoding/json"
	"maps"

	"github.com/google/uuid"
)

// ChannelStream is the stream of one channel's life and of its participants.
func ChannelStream(id uuid.UUID) StreamID { return Stream("channel", id) }

var channelEvents = []Event{ChannelCreated{}, ChannelUpdated{}, ParticipantJoined{}, ParticipantLeft{}, ChannelCleared{}, ChannelDeleted{}}

// ChannelCreated: a channel exists from now on, with these participants.
type ChannelCreated struct {
	ChannelID uuid.UUID `json:"channelId"`
	ServerID  uuid.UUID `json:"serverId"`
	// NamedBy is the only person among the participants: name and topic are theirs. Where several take part these are the channel's,
	// as they are in records of earlier releases.
	NamedBy      uuid.UUID       `json:"namedBy,omitzero"`
	Name         string          `json:"name" seal:"NamedBy,else=ChannelID"`
	Type         string          `json:"type"`
	SourceType   string          `json:"sourceType,omitempty"`
	SourceID     string          `json:"sourceId,omitempty"`
	Topic        string          `json:"topic,omitempty" seal:"NamedBy,else=ChannelID"`
	Metadata     json.RawMessage `json:"metadata,omitempty" seal:"ChannelID"`
	Participants []uuid.UUID     `json:"participants,omitempty"`
	// OpenedBy is the author of the message that the channel was made for, and Opening what that message said of itself: a part
	// of the channel's metadata that is the author's. Where a client said something of a channel with one person in it, that is theirs
	// likewise. Records of earlier releases lack both.
	OpenedBy uuid.UUID       `json:"openedBy,omitzero"`
	Opening  json.RawMessage `json:"opening,omitempty" seal:"OpenedBy,optional"`
}

// AllMetadata is the channel's metadata with what its opening message said.
func (f ChannelCreated) AllMetadata() json.RawMessage { return withOpening(f.Metadata, f.Opening) }

// ChannelUpdated: name and metadata are these from now on, whole.
type ChannelUpdated struct {
	ChannelID uuid.UUID       `json:"channelId"`
	NamedBy   uuid.UUID       `json:"namedBy,omitzero"` // see ChannelCreated
	Name      string          `json:"name" seal:"NamedBy,else=ChannelID"`
	Metadata  json.RawMessage `json:"metadata,omitempty" seal:"ChannelID"`
	// OpenedBy and Opening are those of ChannelCreated, as long as nobody has replaced the metadata.
	OpenedBy uuid.UUID       `json:"openedBy,omitzero"`
	Opening  json.RawMessage `json:"opening,omitempty" seal:"OpenedBy,optional"`
}

// AllMetadata is the channel's metadata with what its opening message said.
func (f ChannelUpdated) AllMetadata() json.RawMessage { return withOpening(f.Metadata, f.Opening) }

// withOpening adds the members of the opening to those of the metadata, which they replace.
func withOpening(metadata, opening json.RawMessage) json.RawMessage {
	var all, more map[string]json.RawMessage
	switch {
	case json.Unmarshal(opening, &more) != nil || len(more) == 0:
		return metadata
	case len(metadata) == 0:
		return opening
	}
	if json.Unmarshal(metadata, &all) != nil || all == nil {
		all = map[string]json.RawMessage{}
	}
	maps.Copy(all, more)
	merged, err := json.Marshal(all)
	if err != nil {
		return metadata // never: its members are JSON
	}
	return merged
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
