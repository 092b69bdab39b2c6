package projections

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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

func applyServers(q *pgx.Batch, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.ServerCreated:
		q.Queue(`
insert into servers (id, name, source_type, source_id, metadata, created_at, updated_at, revision, position, created)
values ($1, $2, $3, $4, $5, $6, $6, $7, $8, $8)
on conflict (id) do update set (name, source_type, source_id, metadata, created_at, updated_at, revision, position, created)
= (excluded.name, excluded.source_type, excluded.source_id, excluded.metadata, excluded.created_at, excluded.updated_at,
	excluded.revision, excluded.position, excluded.created)`,
			f.ServerID, f.Name, f.SourceType, text(f.SourceID), free(f.Metadata), instant(e), int64(e.Revision), int64(e.Position))
	case events.AgentJoinedServer:
		q.Queue(`insert into server_agents (server_id, agent_id, position) values ($1, $2, $3) on conflict do nothing`,
			f.ServerID, f.AgentID, int64(e.Position))
		moveServer(q, f.ServerID, e)
	case events.AgentLeftServer:
		q.Queue(`delete from server_agents where server_id = $1 and agent_id = $2`, f.ServerID, f.AgentID)
		moveServer(q, f.ServerID, e)
	case events.ServerDeleted:
		q.Queue(`delete from servers where id = $1`, f.ServerID)
		q.Queue(`delete from server_agents where server_id = $1`, f.ServerID)
	case events.AgentDeleted:
		q.Queue(`delete from server_agents where agent_id = $1`, f.AgentID)
	}
}

func moveServer(q *pgx.Batch, id uuid.UUID, e events.Recorded) {
	q.Queue(`update servers set revision = $2, position = $3 where id = $1`, id, int64(e.Revision), int64(e.Position))
}
