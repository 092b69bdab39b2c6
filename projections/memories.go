package projections

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var memories = engine.Projection{
	Name:    "memories",
	Group:   GroupMemories,
	Version: 3,
	// since is where in the log the memory begins: where it was stored or, of what was said before, where that was said. What
	// is cleared or deleted later takes it along, however late it is stored. stored orders what has the same time; position is
	// that of the last fact about the memory. repeat_of is an earlier memory that says nearly the same.
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
	repeat_of   uuid,
	channel_id  uuid,
	message_id  uuid,
	document_id uuid,
	created_at  timestamptz not null,
	updated_at  timestamptz not null,
	since       bigint not null,
	stored      bigint not null,
	revision    bigint not null,
	position    bigint not null
)` + memoryEnds.tables(),
	Indexes: `
create index on memories (agent_id, hashtextextended(collection, 0), created_at desc, stored desc);
create index on memories (agent_id, stored);
create index on memories (room_id, hashtextextended(content->>'text', 0));
create index on memories (room_id, hashtextextended(collection, 0), created_at desc, stored desc);
create index on memories (world_id) where world_id is not null;
create index on memories (channel_id) where channel_id is not null;
create index on memories (message_id) where message_id is not null;
create index on memories (document_id) where document_id is not null`,
	Rows:  memoryEnds.rows(memoriesTable),
	Apply: applyMemories,
}

type memory struct {
	memoryEdit
	RepeatOf   uuid.UUID       `db:"repeat_of,null"`
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

// memoryRepeat is what a memory repeats, as was found when it was embedded.
type memoryRepeat struct {
	moved
	RepeatOf uuid.UUID `db:"repeat_of,null"`
}

type memoryEdit struct {
	moved
	Content   json.RawMessage `db:"content,null"`
	Metadata  json.RawMessage `db:"metadata,null"`
	UpdatedAt time.Time       `db:"updated_at"`
}

// remembered is what memories belong to.
var remembered = map[string]string{
	ofAgent: "agent_id", ofRoom: "room_id", ofWorld: "world_id", ofChannel: "channel_id", ofMessage: "message_id", ofMemory: "document_id",
}

var (
	memoryEnds    = newEnds("memories", "since", remembered).withClears(slices.Collect(maps.Keys(remembered))...)
	memoriesTable = engine.NewTable[memory]("memories", memoryEnds.unlessDead())
)

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
		memoriesTable.Update(w, memoryRepeat{move(f.MemoryID, e), f.RepeatOf})
	case events.MemoryDeleted:
		forget(w, memoryEnds, "id = $1", f.MemoryID, int64(e.Position)) //nolint:gosec // positions are far from the end
		memoriesTable.Delete(w, engine.Where{"document_id": f.MemoryID})
	default:
		memoryEnds.apply(w, e, func(_, condition string, args ...any) { forget(w, memoryEnds, condition, args...) })
	}
}

// forget removes memories, or what searches know of them. Fragments of a document that come later are dead, too.
func forget(w engine.Writer, x ends, condition string, args ...any) {
	w.Exec(`
with gone as (delete from `+x.projection+` where `+condition+` returning id, collection)
insert into `+x.projection+`_ended (id, kind, position) select id, 'memory', $2::bigint from gone where collection = 'documents'
on conflict (id, kind) do update set position = excluded.position`, args...)
}
