// Package queries answers from the read models that the projections fill: one file a read model, the view and its SELECT
// together. The JSON of a view is what clients see.
package queries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What a query answers besides success, wrapped with the thing that it is about.
var (
	ErrNotFound = errors.New("not found")
	// ErrUnavailable: PostgreSQL is away, busy for too long, or has no read models yet. Trying again may help.
	ErrUnavailable = errors.New("the read models are unavailable")
	// ErrNoRoom: the client holds as many pages that it has not taken yet as it may.
	ErrNoRoom = errors.New("too many pages wait for their client")
	// ErrTooLong: PostgreSQL ended a statement that took longer than StatementLimit. It is ErrUnavailable, too.
	ErrTooLong = errors.New("it took too long")
	// ErrUnselective: what is searched for names no word that has to be there, so that everything would have to be looked at.
	ErrUnselective = errors.New("the search names no word that has to be there")
)

// Queries reads the read models. It is safe for concurrent use unless it is from In.
type Queries struct{ pool source }

// source is a pool, pools, or a transaction.
type source interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// New reads through a pool made from Config.
func New(pool *pgxpool.Pool) *Queries { return &Queries{pool: pool} }

// In reads what a transaction sees.
func In(tx pgx.Tx) *Queries { return &Queries{pool: tx} }

// limits of what one query may take.
const (
	connectLimit = 2 * time.Second
	// StatementLimit bounds one statement.
	StatementLimit = 10 * time.Second
	// connections are enough that a short read does not wait for the long ones of others: a connection that is free is given to the read
	// that has waited for longest, whatever reads it. A URL may say another number (pool_max_conns).
	connections = 8
)

// Config describes a pool at the URL that reads through the given schema of views (engine.Views), which may be made
// later than the pool.
func Config(url, views string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("URL of PostgreSQL: %w", err)
	}
	if !strings.Contains(url, "pool_max_conns") {
		c.MaxConns = max(c.MaxConns, connections)
	}
	c.ConnConfig.ConnectTimeout = connectLimit
	c.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{views}.Sanitize() + ", public"
	c.ConnConfig.RuntimeParams["statement_timeout"] = strconv.Itoa(int(StatementLimit / time.Millisecond))
	return c, nil
}

func many[T any](ctx context.Context, q *Queries, what string, row pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	all, err := again(q, func() ([]T, error) {
		rows, _ := q.pool.Query(ctx, sql, args...) // its error is that of the rows
		return pgx.CollectRows(rows, row)
	})
	return all, failed(err, what)
}

func one[T any](ctx context.Context, q *Queries, what string, row pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	found, err := again(q, func() (T, error) {
		rows, _ := q.pool.Query(ctx, sql, args...) // its error is that of the rows
		return pgx.CollectOneRow(rows, row)
	})
	return found, failed(err, what)
}

// again repeats a read once, over a new connection, when the one from the pool turns out to be broken. Then all that lie
// there are suspect: PostgreSQL was restarted, or the way to it was cut. A server that is away makes no connection, and is
// not asked again.
func again[T any](q *Queries, read func() (T, error)) (T, error) {
	found, err := read()
	if pool, ok := q.pool.(interface{ Reset() }); ok && broken(err) {
		pool.Reset()
		return read()
	}
	return found, err
}

func broken(err error) bool {
	var (
		connect *pgconn.ConnectError
		server  *pgconn.PgError
	)
	switch {
	case errors.As(err, &connect):
		return false
	case errors.As(err, &server):
		return server.Code == "57P01" || server.Code == "57P02" // the server's farewell, found when the connection is used next
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// failed says what an error means to the caller. One that is neither of ours is a defect of a query.
func failed(err error, what string) error {
	var (
		connect *pgconn.ConnectError
		network net.Error
		server  *pgconn.PgError
	)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%s %w", what, ErrNotFound)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("read %s: %w", what, err)
	case errors.As(err, &connect): // every reason for which the server refuses a connection, such as a missing database
	case errors.As(err, &server):
		if !away(server.Code) {
			return fmt.Errorf("read %s: %w", what, err)
		}
		if server.Code == statementTimeout {
			return fmt.Errorf("read %s: %w: %w: %w", what, ErrUnavailable, ErrTooLong, err)
		}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network), pgconn.SafeToRetry(err):
	}
	return fmt.Errorf("read %s: %w: %w", what, ErrUnavailable, err)
}

// Outage marks an error that was met outside of the queries with ErrUnavailable, where PostgreSQL cannot answer now.
func Outage(err error) error {
	var (
		connect *pgconn.ConnectError
		network net.Error
		server  *pgconn.PgError
	)
	out := errors.As(err, &connect) || errors.As(err, &network) || broken(err) || errors.As(err, &server) && away(server.Code)
	if !out || errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

const statementTimeout = "57014"

// away reports that a server cannot answer now, by its SQLSTATE. The classes are those of the connection (08), who may come
// in (28), transactions that got in each other's way (40), a missing database or schema (3D, 3F), resources (53), locks and
// state (55), operators (57) and the system (58). A missing table or type is one that the feed has yet to make: the database
// was made anew.
func away(code string) bool {
	if len(code) < 2 {
		return false
	}
	switch code[:2] {
	case "08", "28", "3D", "3F", "40", "53", "55", "57", "58":
		return true
	}
	return code == "42P01" || code == "42704"
}

// Millis is a time as milliseconds since 1970.
type Millis int64

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (m *Millis) ScanTimestamptz(v pgtype.Timestamptz) error {
	*m = Millis(v.Time.UnixMilli())
	return nil
}

// Time is the same in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// ISO is a time as ISO-8601 with milliseconds, in UTC: 2026-11-23T13:53:20.449Z.
type ISO string

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (i *ISO) ScanTimestamptz(v pgtype.Timestamptz) error {
	*i = isoOf(v.Time)
	return nil
}

// Time is the same in UTC, and the zero time for what is none.
func (i ISO) Time() time.Time {
	t, err := time.Parse(time.RFC3339, string(i))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

func isoOf(t time.Time) ISO { return ISO(t.UTC().Format("2006-01-02T15:04:05.000Z")) }
