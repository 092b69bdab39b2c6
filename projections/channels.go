package projections

import (
	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var channels = engine.Projection{
	Name:    "channels",
	Group:   GroupCore,
	Version: 1,
	// created is the position of the creation, which orders what has the same time; position is that of the last fact.
	Tables: `
create table channels (
	id          uuid primary key,
	server_id   uuid not null,
	name        text not null,
	type        text not null,
	source_type text,
	source_id   text,
	topic       text,
	metadata    json,
	created_at  timestamptz not null,
	updated_at  timestamptz not null,
	created     bigint not null,
	revision    bigint not null,
	position    bigint not null
)`,
	Indexes: `
create index on channels (server_id, created_at, created);
create index on channels (server_id, hashtextextended(name, 0))`,
	Apply: applyChannels,
}

func applyChannels(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.ChannelCreated:
		w.Exec(`
insert into channels (id, server_id, name, type, source_type, source_id, topic, metadata, created_at, updated_at, revision,
	position, created)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $11)
on conflict (id) do update set (server_id, name, type, source_type, source_id, topic, metadata, created_at, updated_at, revision, position, created)
= (excluded.server_id, excluded.name, excluded.type, excluded.source_type, excluded.source_id, excluded.topic,
	excluded.metadata, excluded.created_at, excluded.updated_at, excluded.revision, excluded.position, excluded.created)`,
			f.ChannelID, f.ServerID, f.Name, f.Type, text(f.SourceType), text(f.SourceID), text(f.Topic), free(f.Metadata),
			instant(e), int64(e.Revision), int64(e.Position))
	case events.ChannelUpdated:
		w.Exec(`update channels set (name, metadata, updated_at, revision, position) = ($2, $3, $4, $5, $6) where id = $1`,
			f.ChannelID, f.Name, free(f.Metadata), instant(e), int64(e.Revision), int64(e.Position))
	case events.ParticipantJoined:
		moveChannel(w, f.ChannelID, e)
	case events.ParticipantLeft:
		moveChannel(w, f.ChannelID, e)
	case events.ChannelCleared:
		moveChannel(w, f.ChannelID, e)
	case events.ChannelDeleted:
		w.Exec(`delete from channels where id = $1`, f.ChannelID)
	}
}

// moveChannel keeps the revision that If-Match is compared with.
func moveChannel(w engine.Writer, id uuid.UUID, e events.Recorded) {
	w.Exec(`update channels set revision = $2, position = $3 where id = $1`, id, int64(e.Revision), int64(e.Position))
}
