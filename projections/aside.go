package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Aside are read models that exist in one transaction only, for what they were at some time. The transaction sees them
// instead of those that are served, and has to be rolled back.
type Aside struct {
	tx   pgx.Tx
	gens []*generation
}

// NewAside makes the tables of the named projections, empty.
func NewAside(ctx context.Context, tx pgx.Tx, names ...string) (*Aside, error) {
	chosen, err := choose(All(), names)
	if err != nil {
		return nil, err
	}
	a := &Aside{tx: tx}
	if _, err := tx.Exec(ctx, "set local search_path to pg_temp, public"); err != nil {
		return nil, err
	}
	for _, p := range chosen {
		a.gens = append(a.gens, &generation{Projection: p})
		if _, err := tx.Exec(ctx, p.Tables, pgx.QueryExecModeSimpleProtocol); err != nil {
			return nil, fmt.Errorf("tables of %s: %w", p.Name, err)
		}
	}
	return a, nil
}

// Apply takes facts, in the order of the log, as the feed would.
func (a *Aside) Apply(ctx context.Context, facts ...events.Recorded) error {
	for batch := range slices.Chunk(facts, batchEvents) {
		var q pgx.Batch
		for _, e := range batch {
			for _, g := range a.gens {
				if err := apply(g, &q, e); err != nil {
					return &refusal{event: e, reason: err}
				}
			}
		}
		if err := a.tx.SendBatch(ctx, &q).Close(); err != nil {
			return err
		}
	}
	return nil
}
