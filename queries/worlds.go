package queries

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// World is a world as CONTRACT 2.7 shows it.
type World struct {
	ID       uuid.UUID       `json:"id"`
	AgentID  uuid.UUID       `json:"agentId"`
	Name     string          `json:"name"`
	Metadata json.RawMessage `json:"metadata"`
	// MessageServerID is ServerID where that is the id of a server: what is made without one has a text of another kind.
	MessageServerID *uuid.UUID `json:"messageServerId" nullable:"true" db:"-"`
	ServerID        string     `json:"serverId"`
	CreatedAt       ISO        `json:"createdAt"`
	// Created is the position of its creation; Revision is that of its stream.
	Created  events.Position `json:"-"`
	Revision uint64          `json:"-"`
}

const worldColumns = `select id, agent_id, name, coalesce(metadata, 'null') as metadata, server_id, created_at, created, revision from worlds`

func scanWorld(row pgx.CollectableRow) (World, error) {
	w, err := pgx.RowToStructByName[World](row)
	w.MessageServerID = MessageServer(w.ServerID)
	return w, err
}

// MessageServer is the id of a server that a world or a room belongs to, nil where the text is none.
func MessageServer(text string) *uuid.UUID {
	id, err := events.ParseID(text)
	if err != nil {
		return nil
	}
	return &id
}

// Worlds lists the worlds of an agent, or of all, the oldest first, and tells how many there are in all.
func (q *Queries) Worlds(ctx context.Context, agent uuid.UUID, p Page) ([]World, int, error) {
	var only any
	if agent != uuid.Nil {
		only = agent
	}
	const of = `($1::uuid is null or agent_id = $1 or exists (select from rooms r where r.world_id = worlds.id and r.agent_id = $1))`
	return list[World]{
		what: "worlds", row: scanWorld, shown: oldestFirst, args: []any{only},
		count: `select count(*) from worlds where ` + of,
		sql: byCreation(worldColumns + `
		where ` + of + ` and (created_at, created) < ($2, $3) and (created_at, created) > ($4, $5)
		order by created_at %[1]s, created %[1]s limit $6`),
	}.read(ctx, q, p)
}

func (w World) place() (time.Time, events.Position) { return w.CreatedAt.Time(), w.Created }

// World is one world.
func (q *Queries) World(ctx context.Context, id uuid.UUID) (World, error) {
	return one(ctx, q, fmt.Sprintf("world %s", id), scanWorld, worldColumns+` where id = $1`, id)
}

// EveryWorld lists the worlds that are an agent's or that it has a room in, in the order of their creation, after a position.
func (q *Queries) EveryWorld(ctx context.Context, agent uuid.UUID, after events.Position, limit int) ([]World, error) {
	return page(ctx, q, "worlds", scanWorld, worldColumns+`
where (agent_id = $1 or exists (select from rooms r where r.world_id = worlds.id and r.agent_id = $1)) and created > $2
order by created limit $3`, agent, int64(after), min(max(limit, 0), MaxLimit))
}
