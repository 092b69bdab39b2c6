package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

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
	Rows:  []engine.Rows{memoriesTable, forgottenTable},
	Apply: applyMemories,
}

type memory struct {
	memoryEdit
	AgentID    uuid.UUID       `db:"agent_id"`
	RoomID     uuid.UUID       `db:"room_id"`
	EntityID   uuid.UUID       `db:"entity_id"`
	WorldID    uuid.UUID       `db:"world_id,null"`
	SubjectID  uuid.UUID       `db:"subject_id"`
	Collection string          `db:"collection"`
	Unique     bool            `db:"is_unique"`
	ChannelID  uuid.UUID       `db:"channel_id,null"`
	MessageID  uuid.UUID       `db:"message_id,null"`
	DocumentID uuid.UUID       `db:"document_id,null"`
	CreatedAt  time.Time       `db:"created_at"`
	Since      events.Position `db:"since"`
	Stored     events.Position `db:"stored"`
}

type memoryEdit struct {
	moved
	Content   json.RawMessage `db:"content,null"`
	Metadata  json.RawMessage `db:"metadata,null"`
	UpdatedAt time.Time       `db:"updated_at"`
}

// ending is the last clear or delete of what memories belong to.
type ending struct {
	Stream   events.StreamID `db:"stream,key"`
	Position events.Position `db:"position"`
}

var (
	memoriesTable  = engine.NewTable[memory]("memories", engine.If(notEndedIn("forgotten")))
	forgottenTable = engine.NewTable[ending]("forgotten")
)

// notEndedIn is the condition that nothing that a memory belongs to has ended since the memory began.
func notEndedIn(table string) string {
	return `not exists (select from ` + table + ` where position > {since} and stream in ('agent-' || {agent_id}, 'room-' || {room_id},
	'world-' || {world_id}, 'channel-' || {channel_id}, 'message-' || {message_id}))`
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
		at := happened(e, f.At)
		memoriesTable.Upsert(w, memory{
			memoryEdit: memoryEdit{move(f.MemoryID, e), free(f.Content), free(f.Metadata), at},
			AgentID:    f.AgentID, RoomID: f.RoomID, EntityID: f.EntityID, WorldID: f.WorldID, SubjectID: f.SubjectID,
			Collection: f.Table, Unique: f.Unique, ChannelID: f.ChannelID, MessageID: f.MessageID, DocumentID: f.DocumentID,
			CreatedAt: at, Since: since(f, e), Stored: e.Position,
		})
	case events.MemoryUpdated:
		memoriesTable.Update(w, memoryEdit{move(f.MemoryID, e), free(f.Content), free(f.Metadata), instant(e)})
	case events.MemoryEmbedded:
		memoriesTable.Update(w, move(f.MemoryID, e))
	case events.MemoryDeleted:
		memoriesTable.Delete(w, engine.Where{"id": f.MemoryID})
		memoriesTable.Delete(w, engine.Where{"document_id": f.MemoryID})
	default:
		if column, stream := ended(e.Event); column != "" {
			memoriesTable.DeleteBefore(w, engine.Where{column: stream.Subject()}, "since", e.Position)
			forgottenTable.Upsert(w, ending{stream, e.Position})
		}
	}
}

// ended is what memories belong to that a fact clears or deletes: the column that has its id, and its stream.
func ended(fact events.Event) (column string, stream events.StreamID) {
	switch f := fact.(type) {
	case events.MessageDeleted:
		return "message_id", events.MessageStream(f.MessageID)
	case events.ChannelCleared:
		return "channel_id", events.ChannelStream(f.ChannelID)
	case events.ChannelDeleted:
		return "channel_id", events.ChannelStream(f.ChannelID)
	case events.RoomCleared:
		return "room_id", events.RoomStream(f.RoomID)
	case events.RoomDeleted:
		return "room_id", events.RoomStream(f.RoomID)
	case events.WorldCleared:
		return "world_id", events.WorldStream(f.WorldID)
	case events.WorldDeleted:
		return "world_id", events.WorldStream(f.WorldID)
	case events.AgentMemoriesCleared:
		return "agent_id", events.AgentStream(f.AgentID)
	case events.AgentDeleted:
		return "agent_id", events.AgentStream(f.AgentID)
	}
	return "", ""
}
