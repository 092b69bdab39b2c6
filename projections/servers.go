package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var servers = engine.Projection{
	Name:    "servers",
	Group:   GroupCore,
	Version: 2,
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
)` + serverEnds.tables(),
	Indexes: `
create index on servers (created_at, created);
create index on server_agents (agent_id)`,
	Rows:  serverEnds.rows(serversTable, serverAgentsTable),
	Apply: applyServers,
}

type server struct {
	moved
	Name       string          `db:"name"`
	SourceType string          `db:"source_type"`
	SourceID   string          `db:"source_id,null"`
	Metadata   json.RawMessage `db:"metadata,null"`
	CreatedAt  time.Time       `db:"created_at"`
	UpdatedAt  time.Time       `db:"updated_at"`
	Created    events.Position `db:"created"`
}

type serverAgent struct {
	ServerID uuid.UUID       `db:"server_id,key"`
	AgentID  uuid.UUID       `db:"agent_id,key"`
	Position events.Position `db:"position"`
}

var (
	serversTable      = engine.NewTable[server]("servers")
	serverEnds        = newEnds("servers", "position", map[string]string{ofAgent: "agent_id", ofServer: "server_id"})
	serverAgentsTable = engine.NewTable[serverAgent]("server_agents", serverEnds.unlessDead())
)

func applyServers(w engine.Writer, e events.Recorded) {
	serverEnds.apply(w, e, func(_, condition string, args ...any) { w.Exec("delete from server_agents where "+condition, args...) })
	switch f := e.Event.(type) {
	case events.ServerCreated:
		serversTable.Upsert(w, server{
			moved: move(f.ServerID, e), Name: f.Name, SourceType: f.SourceType, SourceID: f.SourceID, Metadata: free(f.Metadata),
			CreatedAt: instant(e), UpdatedAt: instant(e), Created: e.Position,
		})
	case events.AgentJoinedServer:
		serverAgentsTable.Insert(w, serverAgent{f.ServerID, f.AgentID, e.Position})
		moveServer(w, f.ServerID, e)
	case events.AgentLeftServer:
		serverAgentsTable.Delete(w, engine.Where{"server_id": f.ServerID, "agent_id": f.AgentID})
		moveServer(w, f.ServerID, e)
	case events.ServerDeleted:
		serversTable.Delete(w, engine.Where{"id": f.ServerID})
	}
}

// moveServer moves a server by what its own stream has of memberships, in old logs.
func moveServer(w engine.Writer, id uuid.UUID, e events.Recorded) {
	if e.Stream == events.ServerStream(id) {
		serversTable.Update(w, move(id, e))
	}
}
