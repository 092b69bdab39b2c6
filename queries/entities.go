package queries

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Entity is somebody as an agent knows them (CONTRACT 2.7).
type Entity struct {
	ID        uuid.UUID       `json:"id"`
	AgentID   uuid.UUID       `json:"agentId"`
	Names     []string        `json:"names"`
	Metadata  json.RawMessage `json:"metadata"`
	CreatedAt Millis          `json:"createdAt"`
	// SubjectID is who it is for everybody, Seen the position of the first fact.
	SubjectID uuid.UUID       `json:"-"`
	Seen      events.Position `json:"-"`
}

// Entities lists whom an agent knows in the order in which it came to know them, after a position.
func (q *Queries) Entities(ctx context.Context, agent uuid.UUID, after events.Position, limit int) ([]Entity, error) {
	return page(ctx, q, fmt.Sprintf("entities of agent %s", agent), pgx.RowToStructByName[Entity], `
select id, agent_id, names, coalesce(metadata, 'null') as metadata, created_at, subject_id, seen from entities
where agent_id = $1 and seen > $2 order by seen limit $3`, agent, int64(after), min(max(limit, 0), MaxLimit))
}
