package queries

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// neighbourCounts is what the better neighbour in the room counts beside a memory: what is said about a thing stands around it.
const neighbourCounts = 0.4

// byBoth ranks by words and by meaning: a convex combination of both scores (Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions
// for Hybrid Retrieval"). Where words find nothing, the nearest is found, however far it is.
func (q *Queries) byBoth(ctx context.Context, s Search) ([]Hit, error) {
	n := min(2*s.Limit+contenders, MaxLimit)
	var worded, near []Hit
	both, bothContext := errgroup.WithContext(ctx)
	both.Go(func() (err error) { worded, err = q.worded(bothContext, s); return err })
	both.Go(func() (err error) { near, err = q.byMeaning(bothContext, s, n, true); return err })
	err := both.Wait()
	if err == nil && s.Threshold == nil && len(worded)+len(near) == 0 {
		near, err = q.byMeaning(ctx, s, min(n, 1), false)
	}
	if err != nil {
		return nil, err
	}
	hits := s.mixed(near, worded)
	hits, err = q.withNeighbours(ctx, s, hits[:min(n, len(hits))])
	return hits[:min(s.Limit, len(hits))], err
}

// mixed joins what is near and what has words: the score of either counts in part.
func (s Search) mixed(near, worded []Hit) []Hit {
	found := map[uuid.UUID]Hit{}
	for _, h := range near {
		found[h.ID] = h
	}
	scores := map[uuid.UUID]float64{}
	for _, h := range worded {
		if h.Similarity == nil {
			h.Similarity = found[h.ID].Similarity // by another model
		}
		found[h.ID], scores[h.ID] = h, h.Score
	}
	scale := s.scale()
	all := make([]Hit, 0, len(found))
	for id, h := range found {
		h.Score = (1 - scale.Counts) * scores[id]
		if h.Similarity != nil {
			h.Score += scale.Counts * scale.closeness(*h.Similarity)
		}
		all = append(all, h)
	}
	best(all)
	return all
}

// withNeighbours lets each hit gain from the better of those before and after it in its room. What is no hit does not become one.
func (q *Queries) withNeighbours(ctx context.Context, s Search, hits []Hit) ([]Hit, error) {
	ids := make([]uuid.UUID, len(hits))
	score := make(map[uuid.UUID]float64, len(hits))
	for i, h := range hits {
		ids[i], score[h.ID] = h.ID, h.Score
	}
	type pair struct{ ID, Neighbour uuid.UUID }
	var pairs []pair
	err := q.searching(ctx, s, func(b *pgx.Batch) {
		b.Queue(neighbours, ids).Query(func(rows pgx.Rows) (err error) {
			pairs, err = pgx.CollectRows(rows, pgx.RowToStructByPos[pair])
			return err
		})
	}, [2]string{"enable_seqscan", "off"}, [2]string{"enable_bitmapscan", "off"}, [2]string{"enable_sort", "off"})
	if err != nil {
		return nil, err
	}
	better := map[uuid.UUID]float64{}
	for _, p := range pairs {
		better[p.ID] = max(better[p.ID], score[p.Neighbour])
	}
	for i, h := range hits {
		hits[i].Score = (h.Score + neighbourCounts*better[h.ID]) / (1 + neighbourCounts)
	}
	best(hits)
	return hits, nil
}

// neighbours finds, for each memory of an argument, the one before and the one after it in its room, which is one agent's. It has to be
// planned without scans and sorts: where a table has grown since PostgreSQL looked at it last, these seem to cost nothing.
const neighbours = `
select hit.id, beside.id from vectors as hit cross join lateral (
	(select id from vectors where room_id = hit.room_id and (created_at, since) < (hit.created_at, hit.since)
		and collection = hit.collection order by created_at desc, since desc limit 1)
	union all
	(select id from vectors where room_id = hit.room_id and (created_at, since) > (hit.created_at, hit.since)
		and collection = hit.collection order by created_at, since limit 1)) as beside
where hit.id = any($1)`
