package queries

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// FoundMemory is a memory with how well it fits what was searched for.
type FoundMemory struct {
	Memory
	// Similarity is nil where no vectors were compared; see Hit.
	Similarity *float64 `json:"similarity"`
	Score      float64  `json:"score"`
}

// FindMemories finds memories like Find, and shows them, with their vectors where they are wanted.
func (q *Queries) FindMemories(ctx context.Context, s Search, vectors bool) ([]FoundMemory, error) {
	hits, err := q.Find(ctx, s)
	if err != nil || len(hits) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	shown, err := page(ctx, q, fmt.Sprintf("memories of agent %s", s.Agent), scanMemory, memoryColumns+` where id = any($1) order by array_position($1, id)`, ids)
	if err == nil && vectors {
		shown, err = q.Embed(ctx, shown, false)
	}
	if err != nil {
		return nil, err
	}
	known := make(map[uuid.UUID]Memory, len(shown))
	for _, m := range shown {
		known[m.ID] = m
	}
	var found []FoundMemory
	for _, h := range hits {
		if m, ok := known[h.ID]; ok { // else it is being removed
			found = append(found, FoundMemory{m, h.Similarity, h.Score})
		}
	}
	return found, nil
}
