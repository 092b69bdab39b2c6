package queries

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Recollection is a memory as a model is told of it.
type Recollection struct {
	ID    uuid.UUID
	Table string
	// Title is that of the document that it is from, where it has one.
	Title string
	Text  string
	At    time.Time
	Score float64 `db:"-"`
}

// Recollect finds memories like Find. Whole documents are left out: their fragments say it closer to the point.
func (q *Queries) Recollect(ctx context.Context, s Search) ([]Recollection, error) {
	hits, err := q.Find(ctx, s)
	if err != nil || len(hits) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	rows, err := many(ctx, q, fmt.Sprintf("memories of agent %s", s.Agent), pgx.RowToStructByName[Recollection], `
select id, collection as table, coalesce(content->>'text', '') as text, created_at as at,
	coalesce(metadata->>'title', metadata->>'filename', metadata->>'path', '') as title
from memories where id = any($1) and collection <> $2`, ids, events.TableDocuments)
	if err != nil {
		return nil, err
	}
	found := map[uuid.UUID]Recollection{}
	for _, r := range rows {
		found[r.ID] = r
	}
	var all []Recollection
	for _, h := range hits {
		if r, ok := found[h.ID]; ok {
			r.Score = h.Score
			all = append(all, r)
		}
	}
	return all, nil
}
