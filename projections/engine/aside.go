package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/events"
)

// Replay fills those of the projections that are named, for this call alone, with the facts before, and calls show with a
// transaction that sees them instead of those that are served; then again after each of the steps. All is rolled back.
func Replay(
	ctx context.Context, pool *pgxpool.Pool, ps []Projection, names []string, before, steps []events.Recorded,
	show func(context.Context, pgx.Tx) error,
) error {
	chosen, err := choose(ps, names)
	if err != nil {
		return err
	}
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	a, err := newAside(ctx, tx, chosen)
	if err == nil {
		err = a.apply(ctx, before...)
	}
	if err == nil {
		err = show(ctx, tx)
	}
	for i := 0; i < len(steps) && err == nil; i++ {
		if err = a.apply(ctx, steps[i]); err == nil {
			err = show(ctx, tx)
		}
	}
	return err
}

// aside are read models that exist in one transaction only.
type aside struct {
	tx   pgx.Tx
	gens []*generation
}

// newAside makes the tables of projections, empty.
func newAside(ctx context.Context, tx pgx.Tx, ps []Projection) (*aside, error) {
	a := &aside{tx: tx}
	if _, err := tx.Exec(ctx, "set local search_path to pg_temp, public"); err != nil {
		return nil, err
	}
	for _, p := range ps {
		a.gens = append(a.gens, &generation{Projection: p})
		if _, err := tx.Exec(ctx, p.Tables, pgx.QueryExecModeSimpleProtocol); err != nil {
			return nil, fmt.Errorf("tables of %s: %w", p.Name, err)
		}
	}
	return a, nil
}

// apply takes facts, in the order of the log, as the feed would.
func (a *aside) apply(ctx context.Context, facts ...events.Recorded) error {
	for batch := range slices.Chunk(facts, batchEvents) {
		w := NewWriter()
		for _, e := range batch {
			for _, g := range a.gens {
				if err := apply(g, w, e); err != nil {
					return &refusal{event: e, reason: err}
				}
			}
		}
		var q pgx.Batch
		(&joiner{careful: true}).add(&q, *w.writes)
		if err := a.tx.SendBatch(ctx, &q).Close(); err != nil {
			return err
		}
	}
	return nil
}
