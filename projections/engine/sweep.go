package engine

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// kept is how long the read models of a build outlive its last node: whoever goes back to it finds them.
const kept = 24 * time.Hour

// present says that a node of this build runs.
const present = `update annals.readers set seen = now() where views = $1`

// sweep drops the views of builds of which no node has run for long, and then each generation that nobody reads or fills.
// What is in use is left for the next time.
func sweep(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `
select distinct views from annals.readers where seen < $1`, time.Now().Add(-kept))
	if err != nil {
		return err
	}
	builds, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, views := range builds {
		err = errors.Join(err, drop(ctx, conn, views, `delete from annals.readers where views = $1 and seen < $2`,
			views, time.Now().Add(-kept)))
	}
	rows, listErr := conn.Query(ctx, `select projection, generation from annals.generations where `+unread, kept.Seconds())
	if listErr != nil {
		return errors.Join(err, listErr)
	}
	unread, listErr := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g generation, err error) {
		return g, row.Scan(&g.Name, &g.number)
	})
	for _, g := range unread {
		err = errors.Join(err, dropGeneration(ctx, conn, g))
	}
	return errors.Join(err, listErr)
}

// unread is what nobody reads, nor fills as far as is known.
const unread = `generation not in (select generation from annals.readers where generation is not null)
	and (ready or retired or moved < now() - make_interval(secs => $1))`

func dropGeneration(ctx context.Context, conn *pgx.Conn, g generation) error {
	mine, err := exclusive(ctx, conn, []int64{g.number})
	if err != nil || len(mine) == 0 {
		return err // somebody projects it, for now
	}
	return errors.Join(
		drop(ctx, conn, g.schema(), `delete from annals.generations where `+unread+` and generation = $2`, kept.Seconds(), g.number),
		release(ctx, conn, mine))
}

// drop removes a record and its schema together, if the record may still be removed.
func drop(ctx context.Context, conn *pgx.Conn, schema, record string, args ...any) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range []string{prepareLock, "set local lock_timeout = '" + lockWait + "'"} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		gone, err := tx.Exec(ctx, record, args...)
		if err != nil || gone.RowsAffected() == 0 {
			return err
		}
		_, err = tx.Exec(ctx, "drop schema if exists "+pgx.Identifier{schema}.Sanitize()+" cascade")
		return err
	})
}
