package queries_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"annals/deploy/postgres/pgtest"
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
