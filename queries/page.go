package queries

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"annals/events"
)

// MaxLimit bounds what one page holds.
const MaxLimit = 1000

// Page is a part of a list that is ordered by time of creation. The cursors are exclusive and may be left out; a cursor's
// position (of the creation) tells apart what was created in the same millisecond. With a cursor on one side only, the
// page lies next to it, so that following cursors misses nothing in either direction.
type Page struct {
	// Limit is at most MaxLimit; below one, the page is empty.
	Limit          int
	Before, After  time.Time
	BeforePosition events.Position
	AfterPosition  events.Position
}

// bounds are before and its position, after and its position, and the limit, in this order.
func (p Page) bounds() []any {
	before := pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	if !p.Before.IsZero() {
		before = pgtype.Timestamptz{Time: p.Before, Valid: true}
	}
	after := pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	if !p.After.IsZero() {
		after = pgtype.Timestamptz{Time: p.After, Valid: true}
	}
	afterPosition := int64(p.AfterPosition)
	if p.AfterPosition == 0 {
		afterPosition = math.MaxInt64
	}
	return []any{before, int64(p.BeforePosition), after, afterPosition, min(max(p.Limit, 0), MaxLimit)}
}

// order is a direction of time, as SQL writes it.
type order string

const (
	oldestFirst order = "asc"
	newestFirst order = "desc"
)

// from tells in which order to read a page of a list that is shown in the given one.
func (p Page) from(shown order) order {
	switch {
	case p.Before.IsZero() && !p.After.IsZero():
		return oldestFirst
	case p.After.IsZero() && !p.Before.IsZero():
		return newestFirst
	}
	return shown
}

func show[T any](rows []T, read, shown order) []T {
	if read != shown {
		slices.Reverse(rows)
	}
	return rows
}

// listed reads a page of a list that is shown oldest first, and the length of the whole list, at once. The SELECT has %[1]s
// where the direction goes, and takes the page's bounds after the arguments that both statements share.
func listed[T any](
	ctx context.Context, q *Queries, what string, row pgx.RowToFunc[T], p Page, page, count string, args ...any,
) (found []T, total int, err error) {
	const shown = oldestFirst
	read := p.from(shown)
	found, err = again(q, func() (found []T, err error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var b pgx.Batch
		var cut bool
		b.Queue(count, args...).QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
		b.Queue(fmt.Sprintf(page, read), append(args[:len(args):len(args)], p.bounds()...)...).
			Query(func(rows pgx.Rows) (err error) {
				if found, cut, err = bounded(ctx, rows, row); cut {
					cancel() // the rest is not even sent
				}
				return err
			})
		if err := q.pool.SendBatch(ctx, &b).Close(); err != nil && !cut {
			return nil, err
		}
		return found, nil
	})
	return show(found, read, shown), total, failed(err, what)
}
