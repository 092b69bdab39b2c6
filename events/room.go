package events

import (
	"encoding/json"

	"github.com/google/uuid"
)

// RoomStream is the stream of one room's life.
func RoomStream(id uuid.UUID) StreamID { return Stream("room", id) }

// OccupancyStream is the stream of an entity that takes part in a room. Logs from before it was there have that in the stream of
// the room.
func OccupancyStream(room, entity uuid.UUID) StreamID {
	return Stream("membership", Derive(room, "entity", entity.String()))
}

var roomEvents = []Event{RoomCreated{}, RoomJoined{}, RoomCleared{}, RoomDeleted{}}

// RoomCreated: an agent remembers by this room from now on. It is its own view of a channel, or nobody else's.
type RoomCreated struct {
	RoomID    uuid.UUID       `json:"roomId"`
	AgentID   uuid.UUID       `json:"agentId"`
	WorldID   uuid.UUID       `json:"worldId,omitzero"`
	ChannelID uuid.UUID       `json:"channelId,omitzero"`
	ServerID  string          `json:"serverId,omitempty"` // of any form
	NamedBy   uuid.UUID       `json:"namedBy,omitzero"`   // that of the channel whose name it has, see ChannelCreated
	Name      string          `json:"name,omitempty" seal:"NamedBy,else=RoomID"`
	Type      string          `json:"type"`
	Source    string          `json:"source,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty" seal:"RoomID"`
	Entities  []uuid.UUID     `json:"entities,omitempty"` // who takes part
}

// RoomJoined: an entity takes part in the room.
type RoomJoined struct {
	RoomID   uuid.UUID `json:"roomId"`
	AgentID  uuid.UUID `json:"agentId"`
	EntityID uuid.UUID `json:"entityId"`
}

// RoomCleared: every memory of the room that was stored before this fact is gone.
type RoomCleared struct {
	RoomID  uuid.UUID `json:"roomId"`
	AgentID uuid.UUID `json:"agentId"`
}

// RoomDeleted: the room is gone, with its memories.
type RoomDeleted struct {
	RoomID  uuid.UUID `json:"roomId"`
	AgentID uuid.UUID `json:"agentId"`
}

// EventType implements Event.
func (RoomCreated) EventType() string { return "RoomCreated" }

// EventType implements Event.
func (RoomJoined) EventType() string { return "RoomJoined" }

// EventType implements Event.
func (RoomCleared) EventType() string { return "RoomCleared" }

// EventType implements Event.
func (RoomDeleted) EventType() string { return "RoomDeleted" }
