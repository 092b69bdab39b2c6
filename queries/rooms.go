package queries

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Room is a room of an agent as CONTRACT 2.7 lists it.
type Room struct {
	ID      uuid.UUID `json:"id"`
	AgentID uuid.UUID `json:"agentId"`
	Source  string    `json:"source"`
	Type    string    `json:"type"`
	// MessageServerID is ServerID where that is the id of a server.
	MessageServerID *uuid.UUID      `json:"messageServerId" nullable:"true" db:"-"`
	ServerID        string          `json:"serverId"`
	WorldID         *uuid.UUID      `json:"worldId" nullable:"true"`
	Name            string          `json:"name"`
	Metadata        json.RawMessage `json:"metadata"`
	ChannelID       *uuid.UUID      `json:"channelId" nullable:"true"`
	CreatedAt       ISO             `json:"createdAt"`
	// WorldName is that of its world, empty for none, and WorldCreated the position of its creation; Created is that of the room's,
	// and Revision that of its stream.
	WorldName    string          `json:"-"`
	WorldCreated events.Position `json:"-"`
	Created      events.Position `json:"-"`
	Revision     uint64          `json:"-"`
}

const roomColumns = `select r.id, r.agent_id, r.source, r.type, r.server_id, r.world_id, r.name, coalesce(r.metadata, 'null') as metadata,
	r.channel_id, r.created_at, coalesce(w.name, '') as world_name, coalesce(w.created, 0) as world_created, r.created, r.revision from rooms r left join worlds w on w.id = r.world_id`

func scanRoom(row pgx.CollectableRow) (Room, error) {
	r, err := pgx.RowToStructByName[Room](row)
	r.MessageServerID = MessageServer(r.ServerID)
	return r, err
}

// Rooms lists the rooms of an agent's worlds, the oldest first, and tells how many there are in all.
func (q *Queries) Rooms(ctx context.Context, agent uuid.UUID, p Page) ([]Room, int, error) {
	return list[Room]{
		what: fmt.Sprintf("rooms of agent %s", agent), row: scanRoom, shown: oldestFirst, args: []any{agent},
		count: `select count(*) from rooms where agent_id = $1 and world_id is not null`,
		sql: byCreation(roomColumns + `
		where r.agent_id = $1 and r.world_id is not null and (r.created_at, r.created) < ($2, $3) and (r.created_at, r.created) > ($4, $5)
		order by r.created_at %[1]s, r.created %[1]s limit $6`),
	}.read(ctx, q, p)
}

func (r Room) place() (time.Time, events.Position) { return r.CreatedAt.Time(), r.Created }

// WorldByWorld sorts rooms by the creation of their worlds, and keeps the order of those of one world.
func WorldByWorld(rooms []Room) {
	slices.SortStableFunc(rooms, func(a, b Room) int { return cmp.Compare(a.WorldCreated, b.WorldCreated) })
}

// Room is one room of an agent.
func (q *Queries) Room(ctx context.Context, agent, id uuid.UUID) (Room, error) {
	return one(ctx, q, fmt.Sprintf("room %s", id), scanRoom, roomColumns+` where r.id = $1 and r.agent_id = $2`, id, agent)
}

// Group is a world with the rooms that agents were given for it together.
type Group struct {
	ID          uuid.UUID   `json:"id"`
	ServerID    string      `json:"serverId"`
	WorldID     uuid.UUID   `json:"worldId"`
	Name        string      `json:"name"`
	Agents      []uuid.UUID `json:"agents"`
	Rooms       []uuid.UUID `json:"rooms"`
	MemoryCount int         `json:"memoryCount"`
	CreatedAt   ISO         `json:"createdAt"`
	// Created is the position of the world's creation.
	Created events.Position `json:"-"`
}

func (g Group) place() (time.Time, events.Position) { return g.CreatedAt.Time(), g.Created }

// Groups lists the groups, the oldest first, and tells how many there are.
func (q *Queries) Groups(ctx context.Context, p Page) ([]Group, int, error) {
	const of = ` from worlds w join rooms r on r.world_id = w.id and r.type = 'API' and r.channel_id is null `
	return list[Group]{
		what: "groups", row: pgx.RowToStructByName[Group], shown: oldestFirst, count: `select count(distinct w.id)` + of,
		sql: byCreation(`
select w.id, w.id as world_id, (array_agg(r.server_id order by r.created))[1] as server_id,
	(array_agg(r.name order by r.created))[1] as name, array_agg(distinct r.agent_id) as agents,
	array_agg(r.id order by r.created) as rooms,
	(select count(*) from memories m where m.world_id = w.id)::int as memory_count, w.created_at, w.created` + of + `
where (w.created_at, w.created) < ($1, $2) and (w.created_at, w.created) > ($3, $4)
group by w.id, w.created_at, w.created order by w.created_at %[1]s, w.created %[1]s limit $5`),
	}.read(ctx, q, p)
}

// OpenRoom is a room with its participants.
type OpenRoom struct {
	Room
	Entities []uuid.UUID
}

// EveryRoom lists the rooms of an agent in the order of their creation, after a position.
func (q *Queries) EveryRoom(ctx context.Context, agent uuid.UUID, after events.Position, limit int) ([]OpenRoom, error) {
	return page(ctx, q, fmt.Sprintf("rooms of agent %s", agent), pgx.RowToStructByName[OpenRoom], `
select r.*, array(select entity_id from occupants o where o.room_id = r.id order by o.position, o.place) as entities
from (`+roomColumns+` where r.agent_id = $1 and r.created > $2 order by r.created limit $3) r order by created`,
		agent, int64(after), min(max(limit, 0), MaxLimit))
}
