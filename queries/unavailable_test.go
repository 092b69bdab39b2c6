package queries_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/queries"
)

func pool(t *testing.T, url string) *queries.Queries {
	t.Helper()
	config, err := queries.Config(url, "views_none")
	must(t, err)
	p, err := pgxpool.NewWithConfig(t.Context(), config)
	must(t, err)
	t.Cleanup(p.Close)
	return queries.New(p)
}

func TestReadModelsThatCannotBeReachedAreUnavailable(t *testing.T) {
	t.Parallel()
	locked := start(t)
	must(t, locked.feed.Wait(locked.ctx, "core", 0))
	tx, err := locked.pool.Begin(locked.ctx)
	must(t, err)
	defer tx.Rollback(locked.ctx)
	_, err = tx.Exec(locked.ctx, "lock table agents_g1.agents")
	must(t, err)
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for name, c := range map[string]struct {
		q   *queries.Queries
		ctx context.Context
	}{
		"nobody listens":         {pool(t, "postgres:///annals?host="+t.TempDir()), t.Context()},
		"nothing is there yet":   {pool(t, pgtest.New(t)), t.Context()},
		"an answer takes longer": {locked.Queries, soon},
	} {
		if _, err := c.q.Agents(c.ctx); !errors.Is(err, queries.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := c.q.Servers(c.ctx, queries.Page{Limit: 1}); name != "an answer takes longer" && !errors.Is(err, queries.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACallerWhoLeavesIsNotToldThatTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	g := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Agents(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, queries.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestAConnectionThatARestartHasBrokenIsReplacedUnseen(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.agent(1, events.Character{Name: "Eliza"})
	for name, read := range map[string]func() error{
		"one":    func() error { _, err := g.Agent(g.ctx, id(1)); return err },
		"many":   func() error { _, err := g.Agents(g.ctx); return err },
		"listed": func() error { _, _, err := g.Servers(g.ctx, queries.Page{Limit: 1}); return err },
	} {
		breakPool(g)
		err := read()
		for n := 0; n < 5 && errors.Is(err, context.DeadlineExceeded); n++ { // the machine is too busy to connect in time
			breakPool(g)
			err = read()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// breakPool ends the sessions of all the connections that the pool may hold, as a restart does.
func breakPool(g *given) {
	g.t.Helper()
	var held []*pgxpool.Conn
	var sessions []uint32
	for range g.pool.Config().MaxConns {
		c, err := g.pool.Acquire(g.ctx)
		must(g.t, err)
		held, sessions = append(held, c), append(sessions, c.Conn().PgConn().PID())
	}
	for _, c := range held {
		c.Release()
	}
	conn, err := pgx.ConnectConfig(g.ctx, g.pool.Config().ConnConfig)
	must(g.t, err)
	_, err = conn.Exec(g.ctx, "select pg_terminate_backend(pid, 5000) from unnest($1::int[]) pid", sessions)
	must(g.t, errors.Join(err, conn.Close(g.ctx)))
}
