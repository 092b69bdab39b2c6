package queries

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
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
	// WholeMillis is for clients whose next cursor is the time of the last entry: a page that would end between entries of one
	// millisecond has the rest of them besides, up to MaxLimit; where there are more, its reader learns that it ended early.
	WholeMillis bool
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
	return []any{before, int64(p.BeforePosition), after, afterPosition, min(max(p.Limit, 0), MaxLimit+1)} // see list.read
}

// restOf is the page of what follows an entry within its millisecond, in the order of reading.
func (p Page) restOf(at time.Time, position events.Position, read order) Page {
	if read == newestFirst {
		return Page{Limit: MaxLimit + 1, Before: at, BeforePosition: position, After: at.Add(-time.Millisecond)}
	}
	return Page{Limit: MaxLimit + 1, After: at, AfterPosition: position, Before: at.Add(time.Millisecond)}
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

// placed is an entry of a list that is ordered by time of creation, and then by position of creation.
type placed interface {
	place() (created time.Time, at events.Position)
}

// list is a list that is ordered by time of creation.
type list[T placed] struct {
	what  string
	row   pgx.RowToFunc[T]
	shown order
	// sql reads a page in an order, and takes the page's bounds after args. count, which may be empty, takes args.
	sql   func(order) string
	count string
	args  []any
}

// read returns a page, and the length of the whole list where there is a count. Of WholeMillis, it reads one entry more than the
// limit, to see whether the page ends between entries of one millisecond, and only then looks for the rest of them.
func (l list[T]) read(ctx context.Context, q *Queries, p Page) (shown []T, total int, err error) {
	read, limit := p.from(l.shown), min(p.Limit, MaxLimit)
	if p.Limit = limit; p.WholeMillis && limit > 0 {
		p.Limit++
	}
	found, total, err := l.part(ctx, q, read, p)
	if err != nil {
		return nil, 0, err
	}
	if rows := found.rows; len(rows) > max(limit, 0) {
		found.rows = rows[:limit]
		at, position := rows[limit-1].place()
		if next, _ := rows[limit].place(); next.Equal(at) {
			rest, err := pageAfter(ctx, q, l.what, l.row, found.size, l.sql(read), l.with(p.restOf(at, position, read))...)
			if err != nil {
				return nil, 0, err
			}
			if len(rest.rows) > MaxLimit {
				rest.rows = rest.rows[:MaxLimit]
				readerOf(ctx).EndedEarly()
			}
			found.rows = append(found.rows, rest.rows...)
		}
	}
	if read != l.shown {
		slices.Reverse(found.rows)
	}
	return found.rows, total, nil
}

func (l list[T]) with(p Page) []any { return append(l.args[:len(l.args):len(l.args)], p.bounds()...) }

// part reads a page, and the count at once.
func (l list[T]) part(ctx context.Context, q *Queries, read order, p Page) (found part[T], total int, err error) {
	if l.count == "" {
		found, err = pageAfter(ctx, q, l.what, l.row, 0, l.sql(read), l.with(p)...)
		return found, 0, err
	}
	found, err = again(q, func() (found part[T], err error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var b pgx.Batch
		b.Queue(l.count, l.args...).QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
		b.Queue(l.sql(read), l.with(p)...).Query(func(rows pgx.Rows) (err error) {
			if found, err = bounded(ctx, rows, l.row, 0); found.cut {
				cancel() // the rest is not even sent
			}
			return err
		})
		if err := q.pool.SendBatch(ctx, &b).Close(); err != nil && !found.cut {
			return part[T]{}, err
		}
		return found, nil
	})
	return found, total, failed(err, l.what)
}

// byCreation has where the direction goes as %[1]s.
func byCreation(sql string) func(order) string {
	return func(o order) string { return fmt.Sprintf(sql, o) }
}

// Kind is a kind of thing that is listed by time of creation.
type Kind struct{ noun, table, created string }

// The kinds that PlaceOf knows.
var (
	AServer  = Kind{"server", "servers", "created"}
	AChannel = Kind{"channel", "channels", "created"}
	AWorld   = Kind{"world", "worlds", "created"}
	ARoom    = Kind{"room", "rooms", "created"}
	ASession = Kind{"session", "sessions", "created"}
	AJob     = Kind{"job", "jobs", "created"}
	ARun     = Kind{"run", "turns", "created"}
	AMemory  = Kind{"memory", "memories", "stored"}
)

// PlaceOf returns when a thing was created, and where in the log: the cursor of its list that is exact where others were created in
// the same millisecond.
func (q *Queries) PlaceOf(ctx context.Context, k Kind, id uuid.UUID) (time.Time, events.Position, error) {
	type place struct {
		At       time.Time
		Position events.Position
	}
	found, err := one(ctx, q, fmt.Sprintf("%s %s", k.noun, id), pgx.RowToStructByPos[place],
		fmt.Sprintf(`select created_at, %s from %s where id = $1`, k.created, k.table), id)
	return found.At, found.Position, err
}
