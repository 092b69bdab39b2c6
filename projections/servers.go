package projections

import (
	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var servers = engine.Projection{
	Name:    "servers",
	Group:   GroupCore,
	Version: 1,
	// created is the position of the creation, which orders what has the same time; position is that of the last fact.
	Tables: `
create table servers (
	id          uuid primary key,
	name        text not null,
	source_type text not null,
	source_id   text,
	metadata    json,
	created_at  timestamptz not null,
	updated_at  timestamptz not null,
	created     bigint not null,
	revision    bigint not null,
	position    bigint not null
);
create table server_agents (
	server_id uuid not null,
	agent_id  uuid not null,
	position  bigint not null,
	primary key (server_id, agent_id)
)`,
	Indexes: `
create index on servers (created_at, created);
create index on server_agents (agent_id)`,
	Apply: applyServers,
}

func applyServers(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.ServerCreated:
		w.Exec(`
insert into servers (id, name, source_type, source_id, metadata, created_at, updated_at, revision, position, created)
values ($1, $2, $3, $4, $5, $6, $6, $7, $8, $8)
on conflict (id) do update set (name, source_type, source_id, metadata, created_at, updated_at, revision, position, created)
= (excluded.name, excluded.source_type, excluded.source_id, excluded.metadata, excluded.created_at, excluded.updated_at,
	excluded.revision, excluded.position, excluded.created)`,
			f.ServerID, f.Name, f.SourceType, text(f.SourceID), free(f.Metadata), instant(e), int64(e.Revision), int64(e.Position))
	case events.AgentJoinedServer:
		w.Exec(`insert into server_agents (server_id, agent_id, position) values ($1, $2, $3) on conflict do nothing`,
			f.ServerID, f.AgentID, int64(e.Position))
		moveServer(w, f.ServerID, e)
	case events.AgentLeftServer:
		w.Exec(`delete from server_agents where server_id = $1 and agent_id = $2`, f.ServerID, f.AgentID)
		moveServer(w, f.ServerID, e)
	case events.ServerDeleted:
		w.Exec(`delete from servers where id = $1`, f.ServerID)
		w.Exec(`delete from server_agents where server_id = $1`, f.ServerID)
	case events.AgentDeleted:
		w.Exec(`delete from server_agents where agent_id = $1`, f.AgentID)
	}
}

func moveServer(w engine.Writer, id uuid.UUID, e events.Recorded) {
	w.Exec(`update servers set revision = $2, position = $3 where id = $1`, id, int64(e.Revision), int64(e.Position))
}
