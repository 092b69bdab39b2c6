package projections

import (
	"fmt"
	"strings"

	"github.com/pgvector/pgvector-go"
	pgxvector "github.com/pgvector/pgvector-go/pgx"

	"annals/events"
	"annals/projections/engine"
)

var vectors = engine.Projection{
	Name:    "vectors",
	Group:   GroupVectors,
	Version: 2,
	// A row is a memory as a search sees it; model, dimensions and embedding are null as long as it has no vector. hash is
	// that of the text that the words and the vector are of. Vectors of every length share a column, with an index for each
	// length. Rows are kept whole up to a length of 1,536, so that a scan reads them in one place.
	Tables: `
create extension if not exists vector with schema public;
create table vectors (
	id          uuid primary key,
	agent_id    uuid not null,
	room_id     uuid not null,
	entity_id   uuid not null,
	world_id    uuid,
	channel_id  uuid,
	message_id  uuid,
	document_id uuid,
	collection  text not null,
	created_at  timestamptz not null,
	since       bigint not null,
	hash        text not null,
	words       tsvector not null,
	model       text,
	dimensions  integer,
	embedding   vector
) with (toast_tuple_target = 8160);
create table unvectored (
	stream   text primary key,
	position bigint not null
)`,
	Indexes: vectorIndexes(),
	Apply:   applyVectors,
	Types:   pgxvector.RegisterTypes,
}

// vectorIndexes are one HNSW index for each length that vectors have, of half precision where pgvector has no other, and
// those of the filters.
func vectorIndexes() string {
	var b strings.Builder
	b.WriteString(`
create index on vectors using gin (words);
create index on vectors (agent_id, created_at);
create index on vectors (model, dimensions);
create index on vectors (room_id);
create index on vectors (entity_id);
create index on vectors (world_id) where world_id is not null;
create index on vectors (channel_id) where channel_id is not null;
create index on vectors (message_id) where message_id is not null;
create index on vectors (document_id) where document_id is not null`)
	for _, n := range events.VectorLengths {
		kind := "vector"
		if n > 2000 {
			kind = "halfvec"
		}
		fmt.Fprintf(&b, `;
create index on vectors using hnsw ((embedding::%[1]s(%[2]d)) %[1]s_cosine_ops) where dimensions = %[2]d`, kind, n)
	}
	return b.String()
}

func applyVectors(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.MemoryStored:
		text := events.MemoryText(f.Content)
		w.Exec(storeVector, f.MemoryID, f.AgentID, f.RoomID, f.EntityID, reference(f.WorldID), reference(f.ChannelID),
			reference(f.MessageID), reference(f.DocumentID), f.Table, happened(e, f.At), int64(since(f, e)), events.HashText(text), text)
	case events.MemoryUpdated: // another text has no vector yet
		text := events.MemoryText(f.Content)
		w.Exec(`update vectors set (hash, words, model, dimensions, embedding) = ($2, `+words("$3")+`, null, null, null)
where id = $1 and hash <> $2`, f.MemoryID, events.HashText(text), text)
	case events.MemoryEmbedded: // a vector of another text came too late
		if v := f.Numbers(); v != nil {
			w.Exec(`update vectors set (model, dimensions, embedding) = ($2, $3, $4) where id = $1 and hash = $5`,
				f.MemoryID, f.Model, f.Dimensions, pgvector.NewVector(v), f.TextHash)
		}
	case events.MemoryDeleted:
		w.Exec(`delete from vectors where id = $1 or document_id = $1`, f.MemoryID)
	default:
		if column, stream := ended(e.Event); column != "" {
			w.Exec(`delete from vectors where `+column+` = $1 and since < $2`, stream.Subject(), int64(e.Position))
			w.Exec(`insert into unvectored (stream, position) values ($1, $2) on conflict (stream) do update set position = excluded.position`,
				string(stream), int64(e.Position))
		}
	}
}

// words is how a text is searched: as it stands, for every language, and by the stems of English. PostgreSQL takes no more
// than a mebibyte of them.
func words(text string) string {
	text = "left(" + text + ", 100000)"
	return "to_tsvector('simple', " + text + ") || to_tsvector('english', " + text + ")"
}

// storeVector takes its rows also from arrays (see bulk).
var storeVector = `
insert into vectors (id, agent_id, room_id, entity_id, world_id, channel_id, message_id, document_id, collection, created_at, since,
	hash, words)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, ` + words("$13") + `
where not exists (select from unvectored where position > $11::bigint and stream in ('agent-' || $2::uuid, 'room-' || $3::uuid,
	'world-' || $5::uuid, 'channel-' || $6::uuid, 'message-' || $7::uuid))
on conflict (id) do update set (agent_id, room_id, entity_id, world_id, channel_id, message_id, document_id, collection, created_at,
	since, hash, words, model, dimensions, embedding)
= (excluded.agent_id, excluded.room_id, excluded.entity_id, excluded.world_id, excluded.channel_id, excluded.message_id,
	excluded.document_id, excluded.collection, excluded.created_at, excluded.since, excluded.hash, excluded.words, null, null, null)`
