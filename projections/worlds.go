package projections

import (
	"annals/events"
	"annals/projections/engine"
)

var worlds = engine.Projection{
	Name:    "worlds",
	Group:   GroupMemories,
	Version: 1,
	// created is the position of the creation, which orders what has the same time; position is that of the last fact.
	Tables: `
create table worlds (
	id         uuid primary key,
	agent_id   uuid not null,
	server_id  text not null,
	name       text not null,
	metadata   json,
	created_at timestamptz not null,
	created    bigint not null,
	revision   bigint not null,
	position   bigint not null
)`,
	Indexes: `create index on worlds (agent_id, created_at, created)`,
	Apply:   applyWorlds,
}

func applyWorlds(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.WorldCreated:
		w.Exec(`
insert into worlds (id, agent_id, server_id, name, metadata, created_at, created, revision, position)
values ($1, $2, $3, $4, $5, $6, $7, $8, $7)
on conflict (id) do update set (agent_id, server_id, name, metadata, created_at, created, revision, position)
= (excluded.agent_id, excluded.server_id, excluded.name, excluded.metadata, excluded.created_at, excluded.created,
	excluded.revision, excluded.position)`,
			f.WorldID, f.AgentID, f.ServerID, f.Name, free(f.Metadata), instant(e), int64(e.Position), int64(e.Revision))
	case events.WorldUpdated:
		w.Exec(`update worlds set (name, metadata, revision, position) = ($2, $3, $4, $5) where id = $1`,
			f.WorldID, f.Name, free(f.Metadata), int64(e.Revision), int64(e.Position))
	case events.WorldCleared:
		w.Exec(`update worlds set (revision, position) = ($2, $3) where id = $1`, f.WorldID, int64(e.Revision), int64(e.Position))
	case events.WorldDeleted:
		w.Exec(`delete from worlds where id = $1`, f.WorldID)
	case events.AgentDeleted:
		w.Exec(`delete from worlds where agent_id = $1 and created < $2`, f.AgentID, int64(e.Position))
	}
}
