package projections

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/pgvector/pgvector-go"

	"annals/events"
	"annals/events/terms"
	"annals/projections/engine"
)

var vectors = engine.Projection{
	Name:    "vectors",
	Group:   GroupVectors,
	Version: 4,
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
	length      integer not null,
	model       text,
	dimensions  integer,
	embedding   vector
) with (toast_tuple_target = 8160)` + vectorEnds.tables(),
	Indexes: vectorIndexes(),
	Rows:    vectorEnds.rows(vectorsTable),
	Apply:   applyVectors,
}

type vector struct {
	vectorText
	AgentID    uuid.UUID       `db:"agent_id"`
	RoomID     uuid.UUID       `db:"room_id"`
	EntityID   uuid.UUID       `db:"entity_id"`
	WorldID    uuid.UUID       `db:"world_id,null"`
	ChannelID  uuid.UUID       `db:"channel_id,null"`
	MessageID  uuid.UUID       `db:"message_id,null"`
	DocumentID uuid.UUID       `db:"document_id,null"`
	Collection string          `db:"collection"`
	CreatedAt  time.Time       `db:"created_at"`
	Since      events.Position `db:"since"`
}

// vectorText is another text, which has no vector yet.
type vectorText struct {
	vectorOf
	Words  pgtype.TSVector `db:"words"`
	Length int32           `db:"length"` // in words
}

// vectorOf is a vector of the text with a hash.
type vectorOf struct {
	ID         uuid.UUID       `db:"id,key"`
	Hash       string          `db:"hash"`
	Model      string          `db:"model,null"`
	Dimensions int32           `db:"dimensions,null"`
	Embedding  pgvector.Vector `db:"embedding,null"`
}

var (
	vectorEnds   = newEnds("vectors", "since", remembered).withClears(slices.Collect(maps.Keys(remembered))...)
	vectorsTable = engine.NewTable[vector]("vectors", vectorEnds.unlessDead())
)

// vectorIndexes are one HNSW index for each length that vectors have, of half precision where pgvector has no other, and
// those of the filters.
func vectorIndexes() string {
	var b strings.Builder
	b.WriteString(`
create index on vectors using gin (words);
create index on vectors (agent_id, created_at);
create index on vectors (model, dimensions, agent_id);
create index on vectors (room_id, created_at, since);
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
		vectorsTable.Upsert(w, vector{
			vectorText: textOf(f.MemoryID, f.Content),
			AgentID:    f.AgentID, RoomID: f.RoomID, EntityID: f.EntityID, WorldID: f.WorldID, ChannelID: f.ChannelID, MessageID: f.MessageID,
			DocumentID: f.DocumentID, Collection: f.Table, CreatedAt: happened(e, f.At), Since: since(f, e),
		})
	case events.MemoryUpdated:
		vectorsTable.UpdateIf(w, textOf(f.MemoryID, f.Content), "hash <> {hash}")
	case events.MemoryEmbedded: // a vector of another text came too late
		if v := f.Numbers(); v != nil {
			of := vectorOf{f.MemoryID, f.TextHash, f.Model, int32(f.Dimensions), pgvector.NewVector(v)}
			vectorsTable.UpdateIf(w, of, "hash = {hash}")
		}
	case events.MemoryDeleted:
		forget(w, vectorEnds, "id = $1", f.MemoryID, int64(e.Position)) //nolint:gosec // positions are far from the end
		vectorsTable.Delete(w, engine.Where{"document_id": f.MemoryID})
	default:
		vectorEnds.apply(w, e, func(_, condition string, args ...any) { forget(w, vectorEnds, condition, args...) })
	}
}

func textOf(id uuid.UUID, content json.RawMessage) vectorText {
	text := events.MemoryText(content)
	words := terms.Analyze(text)
	return vectorText{
		vectorOf: vectorOf{ID: id, Hash: events.HashText(text)},
		Words:    lexemes(words), Length: int32(words.Words()), //nolint:gosec // a text has fewer
	}
}

// lexemes are the terms of a text as a column has them. They are made in Go, so that a question is cut into the same ones.
func lexemes(d terms.Document) pgtype.TSVector {
	all := d.Lexemes()
	out := pgtype.TSVector{Lexemes: make([]pgtype.TSVectorLexeme, len(all)), Valid: true}
	for i, l := range all {
		positions := make([]pgtype.TSVectorPosition, len(l.Positions))
		for k, p := range l.Positions {
			positions[k].Position = p
		}
		out.Lexemes[i] = pgtype.TSVectorLexeme{Word: l.Term, Positions: positions}
	}
	return out
}
