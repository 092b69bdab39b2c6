package engine

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/events/esdb/esdbtest"
)

// patience bounds everything in these tests that waits.
const patience = time.Minute

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
	_, err := f.From(patient(t)) // what is recorded from now on is told
	must(t, err)
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

// waitThrough waits also while the group stands still, as long as it comes back.
func waitThrough(t testing.TB, f *Feed, group string, p events.Position) {
	t.Helper()
	eventually(t, "the feed is back", func() bool { return f.Wait(patient(t), group, p) == nil })
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

// spoken is a log of messages whose contents are 1, 2, 3 ….
type spoken struct {
	*esdbtest.Log
	n int
}

func newLog(t testing.TB) *spoken { return &spoken{Log: esdbtest.New(t)} }

// say appends n messages, and gives the position of the last.
func (s *spoken) say(n int) (last events.Position) {
	for chunk := range slices.Chunk(slices.Collect(numbered(s.n+1, n)), 500) {
		last = s.Record(events.Stream("message", uuid.New()), time.Now(), chunk...)
	}
	s.n += n
	return last
}

func numbered(from, n int) iter.Seq[events.Event] {
	return func(yield func(events.Event) bool) {
		for i := from; i < from+n && yield(events.MessageSubmitted{MessageID: uuid.New(), Content: strconv.Itoa(i)}); i++ {
		}
	}
}

func numberOf(e events.Recorded) int {
	n, err := strconv.Atoi(e.Event.(events.MessageSubmitted).Content)
	if err != nil {
		panic(err)
	}
	return n
}

// counting is a row for each time that an event is applied.
type counting struct {
	ID     uuid.UUID `db:"id,key"`
	Number int       `db:"number"`
}

// tally is a projection that shows it when an event counts twice, or not at all.
func tally(name, group string) Projection {
	table := NewTable[counting](name)
	return Projection{
		Name: name, Group: group, Version: 1,
		Tables: "create table " + name + " (id uuid primary key, number bigint not null)",
		Rows:   []Rows{table},
		Apply: func(w Writer, e events.Recorded) {
			table.Insert(w, counting{uuid.New(), numberOf(e)})
		},
	}
}

// checkTally fails unless each of the first n facts counts once.
func checkTally(t testing.TB, conn *pgx.Conn, p Projection, n int) {
	t.Helper()
	var schema string
	must(t, conn.QueryRow(patient(t), `select projection || '_g' || max(generation) from annals.generations
		where projection = $1 group by projection`, p.Name).Scan(&schema))
	table := pgx.Identifier{schema, p.Name}.Sanitize()
	rows := number(t, conn, "select count(*) from "+table)
	distinct := number(t, conn, "select count(distinct number) from "+table+" where number between 1 and $1", n)
	if rows != n || distinct != n {
		t.Fatalf("%s: %d rows for %d different ones of %d facts", p.Name, rows, distinct, n)
	}
}

// disconnectFeeds ends the connections of every feed in the database.
const disconnectFeeds = `select count(pg_terminate_backend(pid)) from pg_stat_activity
	where application_name = 'annals feed' and datname = current_database()`

// told is what Committed was told.
type told struct {
	mu  sync.Mutex
	all map[string][]int
}

func (c *told) committed(group string, batch []events.Recorded, upTo events.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string][]int{}
	}
	for _, e := range batch {
		c.all[group] = append(c.all[group], numberOf(e))
	}
	if upTo != batch[len(batch)-1].Position {
		panic("upTo is not the last of the batch")
	}
}

func (c *told) count(group string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all[group])
}

// check fails unless the group was told of each fact from..to once, in order.
func (c *told) check(t testing.TB, group string, from, to int) {
	t.Helper()
	eventually(t, "told of the last fact", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.all[group]) >= to-from+1
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, n := range c.all[group] {
		if n != from+i {
			t.Fatalf("group %s was told of %d where %d was due", group, n, from+i)
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
