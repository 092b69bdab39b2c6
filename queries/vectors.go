package queries

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Model is a model that embeds; Dimensions are those of its vectors, 0 where any will do.
type Model struct {
	Name       string
	Dimensions int
}

// VectorCount is how many memories have vectors of a model.
type VectorCount struct {
	Model      string `json:"model"`
	Dimensions int    `json:"dimensions"`
	Memories   int    `json:"memories"`
}

// countedVectors bounds how many are counted of each kind.
const countedVectors = 1_000_000

// wordy is the condition on rows of vectors that they say something: only that can be embedded.
var wordy = `hash <> '` + events.HashText("") + `' and not exists (
	select from memories where memories.id = vectors.id and memories.content->>'text' ~ '^\s*$')`

// OtherVectors counts those that a search with the model cannot compare, by what made them. A client's are nobody's.
func (q *Queries) OtherVectors(ctx context.Context, m Model) ([]VectorCount, error) {
	return many(ctx, q, "vectors", pgx.RowToStructByPos[VectorCount], `
with recursive kinds as (
	(select model, dimensions from vectors where model is not null order by model, dimensions limit 1)
	union all
	select next.* from kinds, lateral (select model, dimensions from vectors
		where (model, dimensions) > (kinds.model, kinds.dimensions) order by model, dimensions limit 1) as next
)
select model, dimensions, (select count(*) from (select from vectors
	where (model, dimensions) = (kinds.model, kinds.dimensions) limit $4) as counted)
from kinds where model <> $1 and not (model = $2 and (dimensions = $3 or $3 = 0)) order by 3 desc, 1, 2`,
		events.ModelGiven, m.Name, m.Dimensions, countedVectors)
}

// PendingVectors counts the memories that say something and have no vector at all.
func (q *Queries) PendingVectors(ctx context.Context) (int, error) {
	return one(ctx, q, "vectors", pgx.RowTo[int],
		`select count(*) from (select from vectors where model is null and `+wordy+` limit $1) as counted`, countedVectors)
}

// lacking is the condition on rows of vectors that a model has yet to embed them: $1 is that which a client's have, $2 and $3
// are the model.
var lacking = `(model is null or model <> $1 and not (model = $2 and (dimensions = $3 or $3 = 0))) and ` + wordy

// Lacking lists the memories of all agents that a model has yet to embed, by their ids, after one.
func (q *Queries) Lacking(ctx context.Context, m Model, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	return many(ctx, q, "vectors", pgx.RowTo[uuid.UUID],
		`select id from vectors where `+lacking+` and id > $4 order by id limit $5`, events.ModelGiven, m.Name, m.Dimensions, after, limit)
}
