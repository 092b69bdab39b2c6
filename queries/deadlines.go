package queries

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/events"
)

// Due lists what has its deadline at a time or before, the earliest first.
func (q *Queries) Due(ctx context.Context, at time.Time, limit int) ([]events.Deadline, error) {
	return many(ctx, q, "deadlines", pgx.RowToStructByName[events.Deadline],
		`select id, due, command from deadlines where due <= $1 order by due limit $2`, at, limit)
}

// NextDeadline is the earliest deadline there is. It fails with ErrNotFound where there is none.
func (q *Queries) NextDeadline(ctx context.Context) (time.Time, error) {
	return one(ctx, q, "deadline", pgx.RowTo[time.Time], `select due from deadlines order by due limit 1`)
}
