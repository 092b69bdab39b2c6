package queries

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"annals/events"
)

// Scope is where a memory is compared with others to find repetitions: an agent, a room and a table.
type Scope struct {
	Agent, Room uuid.UUID
	Table       string
}

func (s Scope) what() string { return fmt.Sprintf("memories of agent %s", s.Agent) }

// SameText returns the oldest memory of a scope that has a text, if it was stored before the memory with an id, which may have yet to be
// stored; uuid.Nil where there is none. A blank text repeats nothing.
func (q *Queries) SameText(ctx context.Context, s Scope, text string, memory uuid.UUID) (uuid.UUID, error) {
	if strings.TrimSpace(text) == "" {
		return uuid.Nil, nil
	}
	return first(one(ctx, q, s.what(), pgx.RowTo[uuid.UUID], `
select id from memories where room_id = $1 and hashtextextended(content->>'text', 0) = hashtextextended($2, 0)
	and agent_id = $3 and collection = $4 and content->>'text' = $2 and id <> $5
	and stored < coalesce((select stored from memories where id = $5), 9223372036854775807) order by stored limit 1`,
		s.Room, text, s.Agent, s.Table, memory))
}

// nearestOfAll is how many memories are looked at for one in a scope.
const nearestOfAll = 40

// Nearest returns the memory of a scope nearest to a vector, if its cosine is at least that given and it begins before a position;
// uuid.Nil where there is none among the nearest of all.
func (q *Queries) Nearest(ctx context.Context, s Scope, m Meaning, cosine float64, before events.Position) (uuid.UUID, error) {
	return first(one(ctx, q, s.what(), pgx.RowTo[uuid.UUID], fmt.Sprintf(`
select id from (
	select id, agent_id, room_id, collection, model, since, embedding::%[1]s <=> $1::text::%[1]s as distance
	from vectors where dimensions = %[2]d order by embedding::%[1]s <=> $1::text::%[1]s limit %[3]d) as seen
where agent_id = $2 and room_id = $3 and collection = $4 and model = $5 and since < $6 and distance <= $7 order by distance limit 1`,
		vectorKind(len(m.Vector)), len(m.Vector), nearestOfAll),
		pgvector.NewVector(m.Vector).String(), s.Agent, s.Room, s.Table, m.Model, int64(before), 1-cosine))
}

// first is an id that was found, or uuid.Nil.
func first(id uuid.UUID, err error) (uuid.UUID, error) {
	if errors.Is(err, ErrNotFound) {
		return uuid.Nil, nil
	}
	return id, err
}
