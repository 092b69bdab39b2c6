package queries

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// HistoryFilter says which facts of the log are wanted: those that fit every member that is set.
type HistoryFilter struct {
	Stream   events.StreamID
	Category string
	Type     string
	Actor    string
	// Concerning are agents, persons, channels, rooms or worlds that a fact is about, all of them.
	Concerning             []uuid.UUID
	Correlation, Causation uuid.UUID
	// From (inclusive) and To (exclusive) are times by the store's clock, which never goes back.
	From, To time.Time
	// After and Before are exclusive; 0 is no bound.
	After, Before events.Position
	Direction     events.Direction
}

// History lists facts as the store has them, sealed, at most MaxLimit and PageBytes.
func (q *Queries) History(ctx context.Context, f HistoryFilter, limit int) ([]events.Raw, error) {
	sql, args := f.statement(min(max(limit, 0), MaxLimit))
	return page(ctx, q, "history", scanFact, sql, args...)
}

// WholeHistory yields every fact that fits, a page at a time, until one of the pages cannot be read.
func (q *Queries) WholeHistory(ctx context.Context, f HistoryFilter) iter.Seq2[events.Raw, error] {
	return func(yield func(events.Raw, error) bool) {
		for {
			page, err := q.History(ctx, f, MaxLimit)
			if err != nil {
				yield(events.Raw{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if last := page[len(page)-1].Position; f.Direction == events.Forwards {
				f.After = last
			} else {
				f.Before = last
			}
		}
	}
}

// HistoryHead is the position of the last fact that can be found, 0 where there is none.
func (q *Queries) HistoryHead(ctx context.Context) (events.Position, error) {
	return one(ctx, q, "history", pgx.RowTo[events.Position], `select coalesce(max(position), 0) from history`)
}

// HasCorrelation reports whether any fact belongs to a request.
func (q *Queries) HasCorrelation(ctx context.Context, id uuid.UUID) (bool, error) {
	return one(ctx, q, "history", pgx.RowTo[bool], `select exists (select from history where correlation = $1)`, id)
}

// RecordedBy is the position of the last fact that was recorded at a time or before, 0 where there is none.
func (q *Queries) RecordedBy(ctx context.Context, t time.Time) (events.Position, error) {
	return one(ctx, q, "history", pgx.RowTo[events.Position],
		`select coalesce((select position from history where recorded <= $1 order by recorded desc, position desc limit 1), 0)`, t)
}

func scanFact(row pgx.CollectableRow) (e events.Raw, err error) {
	err = row.Scan(&e.Position, (*[16]byte)(&e.ID), &e.Stream, &e.Revision, &e.Type, &e.Created, &e.Data, &e.Metadata)
	return e, err
}

// Fits tells whether a fact that was just recorded is wanted.
func (f HistoryFilter) Fits(e events.Recorded) bool {
	about := events.About(e.Event)
	for _, id := range f.Concerning {
		if !slices.Contains(about, id) {
			return false
		}
	}
	return (f.Stream == "" || f.Stream == e.Stream) && (f.Category == "" || f.Category == e.Stream.Category()) &&
		(f.Type == "" || f.Type == e.Event.EventType()) && (f.Actor == "" || f.Actor == e.Meta.Actor) &&
		(f.Correlation == uuid.Nil || f.Correlation == e.Meta.Correlation) && (f.Causation == uuid.Nil || f.Causation == e.Meta.Causation) &&
		(f.From.IsZero() || !e.Created.Before(f.From)) && (f.To.IsZero() || e.Created.Before(f.To)) &&
		(f.After == 0 || e.Position > f.After) && (f.Before == 0 || e.Position < f.Before)
}
