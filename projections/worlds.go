package projections

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/projections/engine"
)

var worlds = engine.Projection{
	Name:    "worlds",
	Group:   GroupMemories,
	Version: 2,
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
)` + worldEnds.tables(),
	Indexes: `create index on worlds (agent_id, created_at, created)`,
	Rows:    worldEnds.rows(worldsTable),
	Apply:   applyWorlds,
}

type world struct {
	worldEdit
	AgentID   uuid.UUID       `db:"agent_id"`
	ServerID  string          `db:"server_id"`
	CreatedAt time.Time       `db:"created_at"`
	Created   events.Position `db:"created"`
}

type worldEdit struct {
	moved
	Name     string          `db:"name"`
	Metadata json.RawMessage `db:"metadata,null"`
}

var (
	worldEnds   = newEnds("worlds", "created", map[string]string{ofAgent: "agent_id"})
	worldsTable = engine.NewTable[world]("worlds", worldEnds.unlessDead())
)

func applyWorlds(w engine.Writer, e events.Recorded) {
	switch f := e.Event.(type) {
	case events.WorldCreated:
		worldsTable.Upsert(w, world{
			worldEdit: worldEdit{move(f.WorldID, e), f.Name, free(f.Metadata)},
			AgentID:   f.AgentID, ServerID: f.ServerID, CreatedAt: instant(e), Created: e.Position,
		})
	case events.WorldUpdated:
		worldsTable.Update(w, worldEdit{move(f.WorldID, e), f.Name, free(f.Metadata)})
	case events.WorldCleared:
		worldsTable.Update(w, move(f.WorldID, e))
	case events.WorldDeleted:
		worldsTable.Delete(w, engine.Where{"id": f.WorldID})
	default:
		worldEnds.apply(w, e, func(_, condition string, args ...any) { w.Exec("delete from worlds where "+condition, args...) })
	}
}
