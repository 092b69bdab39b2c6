package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"annals/events"
)

// Landmarks hold the log against events that it has to have. Every esdb.Store is one.
type Landmarks interface {
	// Expect fails with events.ErrOtherLog where the log does not have the event; then it is neither read nor written.
	Expect(ctx context.Context, m events.Mark) error
	// Decided says that an operator has decided to go on with the log as it is.
	Decided()
}

// Mark finds the event that the read models in a database stand at, of whichever log. It is zero where there are none.
func Mark(ctx context.Context, url string) (events.Mark, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return events.Mark{}, err
	}
	defer disconnect(ctx, conn)
	return currentMark(ctx, conn)
}

func currentMark(ctx context.Context, conn *pgx.Conn) (events.Mark, error) {
	var known, there bool
	err := conn.QueryRow(ctx, `
select exists (select from pg_attribute where attrelid = c and attname = 'event'), c is not null
from (select to_regclass('annals.generations') as c) as t`).Scan(&known, &there)
	if err != nil || !there {
		return events.Mark{}, err
	}
	event := stoodAt
	if !known { // an older build has made it
		event = "null::uuid"
	}
	var m events.Mark
	err = conn.QueryRow(ctx, `select log, position, coalesce(`+event+`, '00000000-0000-0000-0000-000000000000') from annals.generations
where not retired and generation in (select generation from annals.readers) and position > 0
order by moved desc, position desc limit 1`).Scan(&m.Log, &m.Position, &m.Event)
	if errors.Is(err, pgx.ErrNoRows) {
		return events.Mark{}, nil
	}
	return m, err
}

// stoodAt is the event that a generation stands at, where it is known.
const stoodAt = `case when event_at = position then event end`

// recognize fails with events.ErrOtherLog where the log is not the one that was projected last, of which the read models still tell
// before this session has prepared others. A store that is away says so elsewhere, and is held against the mark when it comes back.
func (s *session) recognize(ctx context.Context) error {
	if s.Landmarks == nil {
		return nil
	}
	m, err := currentMark(ctx, s.conn)
	if err != nil {
		return err
	}
	if err := s.Landmarks.Expect(ctx, m); errors.Is(err, events.ErrOtherLog) {
		return err
	}
	return nil
}

// noteDecisions forgets what was seen before an operator decided, and then begins a new session.
func (s *session) noteDecisions(ctx context.Context) error {
	if s.Landmarks == nil {
		return nil
	}
	var last int64
	log := s.Log
	err := s.conn.QueryRow(ctx, `select decision, log from annals.decisions order by decision desc limit 1`).Scan(&last, &log)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) && !isMissing(err) { // nothing was decided before the first start
		return err
	}
	known := s.decision
	s.decision = &last
	switch {
	case known == nil || last == *known:
		return nil
	case log != s.Log:
		s.decision = known
		return fmt.Errorf("%w: an operator has decided to go on with the log %s; restart this server", events.ErrOtherLog, log)
	}
	s.Landmarks.Decided()
	return errDecided
}

// LastDecision returns when an operator last decided to go on with a log as it is; zero where that never was.
func LastDecision(ctx context.Context, db querier, log uuid.UUID) (at time.Time, err error) {
	rows, err := db.Query(ctx, `select at from annals.decisions where log = $1 order by decision desc limit 1`, log)
	if err == nil {
		at, err = pgx.CollectOneRow(rows, pgx.RowTo[time.Time])
	}
	if errors.Is(err, pgx.ErrNoRows) || isMissing(err) {
		return time.Time{}, nil
	}
	return at, err
}

func isMissing(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "42P01"
}

// errDecided begins a session anew, with the log as it is.
var errDecided = errors.New("an operator has decided to go on with the log as it is")

// Settle records that an operator goes on with the log as it is. What was projected of another one, or of what it has no more, is
// shown to nobody from now on, and has to be filled anew (see Rebuild).
func Settle(ctx context.Context, o Options) error {
	conn, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer disconnect(ctx, conn)
	if _, err := conn.Exec(ctx, bookkeeping, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	lost, err := lostMarks(ctx, conn, o)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, m := range lost {
			_, err := tx.Exec(ctx, `update annals.generations set retired = true where log = $1 and position = $2`, m.Log, int64(m.Position)) //nolint:gosec // far from the end
			if err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `insert into annals.decisions (log) values ($1)`, o.Log); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, changed)
		return err
	})
}

// lostMarks are those that the log does not have.
func lostMarks(ctx context.Context, conn *pgx.Conn, o Options) (lost []events.Mark, err error) {
	rows, err := conn.Query(ctx, `
select distinct log, position, coalesce(`+stoodAt+`, '00000000-0000-0000-0000-000000000000') from annals.generations
where not retired and position > 0`)
	if err != nil {
		return nil, err
	}
	marks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[events.Mark])
	for i := 0; i < len(marks) && err == nil; i++ {
		var there bool
		if there, err = has(ctx, o, marks[i]); err == nil && !there {
			lost = append(lost, marks[i])
		}
	}
	return lost, err
}

// has reports whether the log has an event.
func has(ctx context.Context, o Options, m events.Mark) (bool, error) {
	if m.Log != o.Log {
		return false, nil
	}
	for e, err := range o.Store.ReadAll(ctx, m.Position-1, events.Forwards, events.Filter{}) {
		return err == nil && e.Position == m.Position && (m.Event == uuid.Nil || e.ID == m.Event), err
	}
	return false, nil
}
