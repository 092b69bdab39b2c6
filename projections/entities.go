package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var entities = engine.Projection{
	Name:    "entities",
	Group:   GroupMemories,
	Version: 2,
	// seen is the position of the first fact, which orders what has the same time; position is that of the last.
	Tables: `
create table entities (
	id         uuid primary key,
	agent_id   uuid not null,
	subject_id uuid not null,
	names      text[] not null,
	metadata   json,
	created_at timestamptz not null,
	seen       bigint not null,
	position   bigint not null
)` + entityEnds.tables(),
	Indexes: `create index on entities (agent_id, created_at, seen)`,
	Rows:    entityEnds.rows(entitiesTable),
	Apply:   applyEntities,
}

type entity struct {
	ID        uuid.UUID       `db:"id,key"`
	AgentID   uuid.UUID       `db:"agent_id"`
	SubjectID uuid.UUID       `db:"subject_id"`
	Names     []string        `db:"names"`
	Metadata  json.RawMessage `db:"metadata,null"`
	CreatedAt time.Time       `db:"created_at"`
	Seen      events.Position `db:"seen"`
	Position  events.Position `db:"position"`
}

var (
	entityEnds    = newEnds("entities", "seen", map[string]string{ofAgent: "agent_id"})
	entitiesTable = engine.NewTable[entity]("entities", entityEnds.unlessDead(), engine.Keep("created_at", "seen"))
)

func applyEntities(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.EntitySeen:
		entitiesTable.Upsert(w, entity{
			ID: f.EntityID, AgentID: f.AgentID, SubjectID: f.SubjectID, Names: f.Names, Metadata: free(f.Metadata),
			CreatedAt: instant(e), Seen: e.Position, Position: e.Position,
		})
	default:
		entityEnds.apply(w, e, func(_, condition string, args ...any) { w.Exec("delete from entities where "+condition, args...) })
	}
}
