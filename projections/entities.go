package projections

import (
	"annals/events"
	"annals/projections/engine"
)

var entities = engine.Projection{
	Name:    "entities",
	Group:   GroupMemories,
	Version: 1,
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
)`,
	Indexes: `create index on entities (agent_id, created_at, seen)`,
	Apply:   applyEntities,
}

func applyEntities(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.EntitySeen:
		w.Exec(`
insert into entities (id, agent_id, subject_id, names, metadata, created_at, seen, position) values ($1, $2, $3, $4, $5, $6, $7, $7)
on conflict (id) do update set (agent_id, subject_id, names, metadata, position)
= (excluded.agent_id, excluded.subject_id, excluded.names, excluded.metadata, excluded.position)`,
			f.EntityID, f.AgentID, f.SubjectID, list(f.Names), free(f.Metadata), instant(e), int64(e.Position))
	case events.AgentDeleted:
		w.Exec(`delete from entities where agent_id = $1 and seen < $2`, f.AgentID, int64(e.Position))
	}
}
