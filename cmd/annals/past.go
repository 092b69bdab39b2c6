package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/events"
	"annals/projections"
	"annals/queries"
)

// past shows things as they were: what was recorded of them, run through the same projections and read by the same queries,
// in a transaction that is rolled back.
type past struct{ pool *pgxpool.Pool }

// Replay implements httpapi.Past.
func (p past) Replay(
	ctx context.Context, models []string, before, steps []events.Recorded, show func(context.Context, *queries.Queries) error,
) (err error) {
	tx, err := p.pool.BeginTx(ctx, pgx.TxOptions{})
	if err != nil {
		return errors.Join(queries.ErrUnavailable, err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	aside, err := projections.NewAside(ctx, tx, models...)
	if err != nil {
		return err
	}
	if err := aside.Apply(ctx, before...); err != nil {
		return err
	}
	q := queries.In(tx)
	if err := show(ctx, q); err != nil {
		return err
	}
	for _, e := range steps {
		if err := aside.Apply(ctx, e); err != nil {
			return err
		}
		if err := show(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
