package projections

import (
	"annals/events"
	"annals/projections/engine"
)

var rooms = engine.Projection{
	Name:    "rooms",
	Group:   GroupMemories,
	Version: 1,
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
)`,
	Indexes: `
create index on rooms (agent_id, created_at, created);
create index on rooms (world_id) where world_id is not null;
create index on rooms (channel_id) where channel_id is not null`,
	Apply: applyRooms,
}

func applyRooms(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.RoomCreated:
		w.Exec(`
insert into rooms (id, agent_id, world_id, channel_id, server_id, name, type, source, metadata, created_at, created, revision, position)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11)
on conflict (id) do update set (agent_id, world_id, channel_id, server_id, name, type, source, metadata, created_at, created,
	revision, position)
= (excluded.agent_id, excluded.world_id, excluded.channel_id, excluded.server_id, excluded.name, excluded.type, excluded.source,
	excluded.metadata, excluded.created_at, excluded.created, excluded.revision, excluded.position)`,
			f.RoomID, f.AgentID, reference(f.WorldID), reference(f.ChannelID), f.ServerID, f.Name, f.Type, f.Source, free(f.Metadata),
			instant(e), int64(e.Position), int64(e.Revision))
		if len(f.Entities) > 0 {
			w.Exec(`
insert into occupants (room_id, entity_id, position, place)
select $1, p.id, $3, p.place from unnest($2::uuid[]) with ordinality as p(id, place) on conflict do nothing`,
				f.RoomID, f.Entities, int64(e.Position))
		}
	case events.RoomJoined:
		w.Exec(`insert into occupants (room_id, entity_id, position, place) values ($1, $2, $3, 1) on conflict do nothing`,
			f.RoomID, f.EntityID, int64(e.Position))
		moveRoom(w, e, f.RoomID)
	case events.RoomCleared:
		moveRoom(w, e, f.RoomID)
	case events.RoomDeleted:
		removeRooms(w, "id", f.RoomID, e)
	case events.WorldDeleted:
		removeRooms(w, "world_id", f.WorldID, e)
	case events.ChannelDeleted:
		removeRooms(w, "channel_id", f.ChannelID, e)
	case events.AgentDeleted:
		removeRooms(w, "agent_id", f.AgentID, e)
	}
}

// moveRoom keeps the revision that If-Match is compared with.
func moveRoom(w engine.Writer, e events.Recorded, id any) {
	w.Exec(`update rooms set (revision, position) = ($2, $3) where id = $1`, id, int64(e.Revision), int64(e.Position))
}

// removeRooms removes rooms that were made before the fact, and who was in them.
func removeRooms(w engine.Writer, column string, id any, e events.Recorded) {
	w.Exec(`
with gone as (delete from rooms where `+column+` = $1 and created < $2 returning id)
delete from occupants where room_id in (select id from gone)`, id, int64(e.Position))
}
