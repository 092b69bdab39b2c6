package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var rooms = engine.Projection{
	Name:    "rooms",
	Group:   GroupMemories,
	Version: 2,
	// created is the position of the creation, which orders what has the same time; position is that of the last fact.
	// (position, place) in occupants is the order of joining.
	Tables: `
create table rooms (
	id         uuid primary key,
	agent_id   uuid not null,
	world_id   uuid,
	channel_id uuid,
	server_id  text not null,
	name       text not null,
	type       text not null,
	source     text not null,
	metadata   json,
	created_at timestamptz not null,
	created    bigint not null,
	revision   bigint not null,
	position   bigint not null
);
create table occupants (
	room_id   uuid not null,
	entity_id uuid not null,
	position  bigint not null,
	place     integer not null,
	primary key (room_id, entity_id)
)` + roomEnds.tables(),
	Indexes: `
create index on rooms (agent_id, created_at, created);
create index on rooms (world_id) where world_id is not null;
create index on rooms (channel_id) where channel_id is not null`,
	Rows:  roomEnds.rows(roomsTable, occupantsTable),
	Apply: applyRooms,
}

type room struct {
	moved
	AgentID   uuid.UUID       `db:"agent_id"`
	WorldID   uuid.UUID       `db:"world_id,null"`
	ChannelID uuid.UUID       `db:"channel_id,null"`
	ServerID  string          `db:"server_id"`
	Name      string          `db:"name"`
	Type      string          `db:"type"`
	Source    string          `db:"source"`
	Metadata  json.RawMessage `db:"metadata,null"`
	CreatedAt time.Time       `db:"created_at"`
	Created   events.Position `db:"created"`
}

type occupant struct {
	RoomID   uuid.UUID       `db:"room_id,key"`
	EntityID uuid.UUID       `db:"entity_id,key"`
	Position events.Position `db:"position"`
	Place    int32           `db:"place"`
}

var (
	roomEnds       = newEnds("rooms", "created", map[string]string{ofAgent: "agent_id", ofWorld: "world_id", ofChannel: "channel_id"})
	roomsTable     = engine.NewTable[room]("rooms", roomEnds.unlessDead())
	occupantsTable = engine.NewTable[occupant]("occupants",
		engine.If("exists (select from rooms where id = {room_id} and created <= {position})", roomsTable.Row("room_id")))
)

func applyRooms(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.RoomCreated:
		roomsTable.Upsert(w, room{
			moved: move(f.RoomID, e), AgentID: f.AgentID, WorldID: f.WorldID, ChannelID: f.ChannelID, ServerID: f.ServerID,
			Name: f.Name, Type: f.Type, Source: f.Source, Metadata: free(f.Metadata), CreatedAt: instant(e), Created: e.Position,
		})
		for i, id := range f.Entities {
			occupantsTable.Insert(w, occupant{f.RoomID, id, e.Position, int32(i) + 1})
		}
	case events.RoomJoined:
		occupantsTable.Insert(w, occupant{f.RoomID, f.EntityID, e.Position, 1})
		if e.Stream == events.RoomStream(f.RoomID) { // in old logs
			roomsTable.Update(w, move(f.RoomID, e))
		}
	case events.RoomCleared:
		roomsTable.Update(w, move(f.RoomID, e))
	case events.RoomDeleted:
		removeRooms(w, "id = $1", f.RoomID)
	default:
		roomEnds.apply(w, e, func(_, condition string, args ...any) { removeRooms(w, condition, args...) })
	}
}

// removeRooms removes rooms with their occupants.
func removeRooms(w engine.Writer, condition string, args ...any) {
	w.Exec(`
with gone as (delete from rooms where `+condition+` returning id)
delete from occupants where room_id in (select id from gone)`, args...)
}
