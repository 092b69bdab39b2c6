package node

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/events"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
)

// past shows things as they were: what was recorded of them, run through the same projections and read by the same queries.
type past struct{ pool *pgxpool.Pool }

// Replay implements httpapi.Past.
func (p past) Replay(
	ctx context.Context, models []string, before, steps []events.Recorded, show func(context.Context, *queries.Queries) error,
) error {
	return queries.Outage(engine.Replay(ctx, p.pool, projections.All(), models, before, steps, func(ctx context.Context, tx pgx.Tx) error {
		return show(ctx, queries.In(tx))
	}))
}
