package projections

import (
	"time"

	"annals/events"
	"annals/projections/engine"
)

var memories = engine.Projection{
	Name:    "memories",
	Group:   GroupMemories,
	Version: 1,
	// since is where in the log the memory begins: where it was stored or, of what was said before, where that was said. What
	// is cleared or deleted later takes it along, however late it is stored: forgotten has the position of the last clear or
	// delete of each stream. stored orders what has the same time; position is that of the last fact about the memory.
	Tables: `
create table memories (
	id          uuid primary key,
	agent_id    uuid not null,
	room_id     uuid not null,
	entity_id   uuid not null,
	world_id    uuid,
	subject_id  uuid not null,
	collection  text not null,
	content     json,
	metadata    json,
	is_unique   boolean not null,
	channel_id  uuid,
	message_id  uuid,
	document_id uuid,
	created_at  timestamptz not null,
	updated_at  timestamptz not null,
	since       bigint not null,
	stored      bigint not null,
	revision    bigint not null,
	position    bigint not null
);
create table forgotten (
	stream   text primary key,
	position bigint not null
)`,
	Indexes: `
create index on memories (agent_id, hashtextextended(collection, 0), created_at desc, stored desc);
create index on memories (agent_id, stored);
create index on memories (room_id, hashtextextended(collection, 0), created_at desc, stored desc);
create index on memories (world_id) where world_id is not null;
create index on memories (channel_id) where channel_id is not null;
create index on memories (message_id) where message_id is not null;
create index on memories (document_id) where document_id is not null`,
	Apply: applyMemories,
}

// happened is when a memory is of.
func happened(e events.Recorded, at time.Time) time.Time {
	if at.IsZero() {
		return instant(e)
	}
	return at.UTC().Truncate(time.Millisecond)
}

// since is where in the log a memory begins.
func since(f events.MemoryStored, e events.Recorded) events.Position {
	if f.Said == 0 {
		return e.Position
	}
	return f.Said
}

func applyMemories(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.MemoryStored:
		w.Exec(storeMemory, f.MemoryID, f.AgentID, f.RoomID, f.EntityID, reference(f.WorldID), f.SubjectID, f.Table, free(f.Content),
			free(f.Metadata), f.Unique, reference(f.ChannelID), reference(f.MessageID), reference(f.DocumentID), happened(e, f.At),
			int64(since(f, e)), int64(e.Position), int64(e.Revision))
	case events.MemoryUpdated:
		w.Exec(`update memories set (content, metadata, updated_at, revision, position) = ($2, $3, $4, $5, $6) where id = $1`,
			f.MemoryID, free(f.Content), free(f.Metadata), instant(e), int64(e.Revision), int64(e.Position))
	case events.MemoryEmbedded: // the revision is what If-Match is compared with
		w.Exec(`update memories set revision = $2, position = $3 where id = $1`, f.MemoryID, int64(e.Revision), int64(e.Position))
	case events.MemoryDeleted:
		w.Exec(`delete from memories where id = $1 or document_id = $1`, f.MemoryID)
	default:
		forget(w, "memories", "forgotten", e)
	}
}

// storeMemory takes its rows also from arrays (see bulk).
const storeMemory = `
insert into memories (id, agent_id, room_id, entity_id, world_id, subject_id, collection, content, metadata, is_unique, channel_id,
	message_id, document_id, created_at, updated_at, since, stored, revision, position)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16, $17, $16
where not exists (select from forgotten where position > $15::bigint and stream in ('agent-' || $2::uuid, 'room-' || $3::uuid,
	'world-' || $5::uuid, 'channel-' || $11::uuid, 'message-' || $12::uuid))
on conflict (id) do update set (agent_id, room_id, entity_id, world_id, subject_id, collection, content, metadata, is_unique,
	channel_id, message_id, document_id, created_at, updated_at, since, stored, revision, position)
= (excluded.agent_id, excluded.room_id, excluded.entity_id, excluded.world_id, excluded.subject_id, excluded.collection,
	excluded.content, excluded.metadata, excluded.is_unique, excluded.channel_id, excluded.message_id, excluded.document_id,
	excluded.created_at, excluded.updated_at, excluded.since, excluded.stored, excluded.revision, excluded.position)`

// forget removes what lies before the clear or delete of something that memories belong to, and keeps where that was.
func forget(w engine.Writer, table, forgotten string, e events.Recorded) {
	column := ""
	var stream events.StreamID
	switch f := e.Event.(type) {
	case events.MessageDeleted:
		column, stream = "message_id", events.MessageStream(f.MessageID)
	case events.ChannelCleared:
		column, stream = "channel_id", events.ChannelStream(f.ChannelID)
	case events.ChannelDeleted:
		column, stream = "channel_id", events.ChannelStream(f.ChannelID)
	case events.RoomCleared:
		column, stream = "room_id", events.RoomStream(f.RoomID)
	case events.RoomDeleted:
		column, stream = "room_id", events.RoomStream(f.RoomID)
	case events.WorldCleared:
		column, stream = "world_id", events.WorldStream(f.WorldID)
	case events.WorldDeleted:
		column, stream = "world_id", events.WorldStream(f.WorldID)
	case events.AgentMemoriesCleared:
		column, stream = "agent_id", events.AgentStream(f.AgentID)
	case events.AgentDeleted:
		column, stream = "agent_id", events.AgentStream(f.AgentID)
	default:
		return
	}
	w.Exec(`delete from `+table+` where `+column+` = $1 and since < $2`, stream.Subject(), int64(e.Position))
	w.Exec(`insert into `+forgotten+` (stream, position) values ($1, $2) on conflict (stream) do update set position = excluded.position`,
		string(stream), int64(e.Position))
}
