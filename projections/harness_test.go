package projections

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/projections/engine"
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
func start(t testing.TB, o engine.Options) (*engine.Feed, func()) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	f := engine.NewFeed(o)
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

func waitFor(t testing.TB, f *engine.Feed, group string, p events.Position) {
	t.Helper()
	must(t, f.Wait(patient(t), group, p))
}

// waitForAll waits for every group.
func waitForAll(t testing.TB, f *engine.Feed, p events.Position) {
	t.Helper()
	for _, s := range f.Status() {
		waitFor(t, f, s.Group, p)
	}
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

func database(t testing.TB) string {
	t.Helper()
	return pgtest.New(t)
}
