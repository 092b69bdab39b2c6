package projections

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
	"annals/events"
)

// patience bounds everything in these tests that waits.
const patience = 30 * time.Second

func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start runs a feed until the test ends, or until the returned function is called.
func start(t testing.TB, o Options) (*Feed, func()) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	f := NewFeed(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		must(t, <-ended)
	})
	t.Cleanup(stop)
	return f, stop
}

func waitFor(t testing.TB, f *Feed, group string, p events.Position) {
	t.Helper()
	must(t, f.Wait(patient(t), group, p))
}

// eventually waits for a condition of which nobody tells.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx := patient(t)
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("in vain: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(patient(t), url)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func number(t testing.TB, conn *pgx.Conn, sql string, args ...any) (n int) {
	t.Helper()
	must(t, conn.QueryRow(patient(t), sql, args...).Scan(&n))
	return n
}

// tally is a projection that shows it when a fact counts twice, or not at all: one row per event, without a key.
func tally(name, group string) Projection {
	return Projection{
		Name: name, Group: group, Version: 1,
		Tables: "create table " + name + " (position bigint not null)",
		Apply: func(q *pgx.Batch, e events.Recorded) {
			q.Queue("insert into "+name+" (position) values ($1)", int64(e.Position))
		},
	}
}

// checkTally fails unless each of the first n positions counts once.
func checkTally(t testing.TB, conn *pgx.Conn, p Projection, n int) {
	t.Helper()
	var schema string
	must(t, conn.QueryRow(patient(t), `select projection || '_g' || max(generation) from annals.checkpoints
		where projection = $1 group by projection`, p.Name).Scan(&schema))
	table := pgx.Identifier{schema, p.Name}.Sanitize()
	rows := number(t, conn, "select count(*) from "+table)
	distinct := number(t, conn, "select count(distinct position) from "+table+" where position between 1 and $1", n)
	if rows != n || distinct != n {
		t.Fatalf("%s: %d rows for %d different positions, of %d facts", p.Name, rows, distinct, n)
	}
}

// facts are n events, from a position on.
func facts(from, n int) []events.Recorded {
	all := make([]events.Recorded, n)
	for i := range all {
		id := uuid.New()
		all[i] = events.Recorded{
			Position: events.Position(from + i), Stream: events.MessageStream(id),
			Event: events.MessageSubmitted{MessageID: id, Content: "something said"},
			Meta:  events.Metadata{At: time.Now()},
		}
	}
	return all
}

// disconnectFeeds ends the connections of every feed in the database.
const disconnectFeeds = `select count(pg_terminate_backend(pid)) from pg_stat_activity
	where application_name = 'annals feed' and datname = current_database()`

// told is what Committed was told.
type told struct {
	mu  sync.Mutex
	all map[string][]events.Position
}

func (c *told) committed(group string, batch []events.Recorded, upTo events.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string][]events.Position{}
	}
	for _, e := range batch {
		c.all[group] = append(c.all[group], e.Position)
	}
	if upTo != batch[len(batch)-1].Position {
		panic("upTo is not the last of the batch")
	}
}

// check fails unless the group was told of each position from..to once, in order.
func (c *told) check(t testing.TB, group string, from, to int) {
	t.Helper()
	eventually(t, "told of the last fact", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.all[group]) >= to-from+1
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.all[group] {
		if p != events.Position(from+i) {
			t.Fatalf("group %s was told of %d where %d was due", group, p, from+i)
		}
	}
	if n := len(c.all[group]); n != to-from+1 {
		t.Fatalf("group %s was told %d times of %d facts", group, n, to-from+1)
	}
}

func database(t testing.TB) string {
	t.Helper()
	return pgtest.New(t)
}

func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q does not say %q", text, p)
		}
	}
}
