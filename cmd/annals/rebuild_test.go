package main

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
	"annals/projections"
	"annals/projections/engine"
)

// rebuilding is `annals rebuild` as a process, which is killed when the context ends.
func rebuilding(ctx context.Context, settings []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"rebuild"}, args...)...)
	cmd.Env = append(append(os.Environ(), asAnnals+"=1", "LOG_LEVEL=warn"), settings...)
	return cmd
}

// rebuild runs it, for everything unless something is named.
func rebuild(ctx context.Context, settings []string, args ...string) (string, error) {
	if len(args) == 0 {
		args = []string{"--all"}
	}
	said, err := rebuilding(ctx, settings, args...).CombinedOutput()
	return string(said), err
}

// rowsShown are all rows that this build reads, table by table.
func rowsShown(t *testing.T, database string) map[string][]string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	texts := func(sql string, args ...any) []string {
		t.Helper()
		rows, err := conn.Query(t.Context(), sql, args...)
		if err != nil {
			t.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	views := engine.Views(projections.All())
	all := map[string][]string{}
	for _, name := range texts(`select viewname from pg_views where schemaname = $1`, views) {
		all[name] = texts("select r::text from " + pgx.Identifier{views, name}.Sanitize() + " r order by 1")
	}
	if len(all["messages"]) == 0 {
		t.Fatal("no messages are shown")
	}
	return all
}

func TestCrashesOfARebuildUnderLoadHurtNobody(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + database}
	p := spawn(t, settings...)
	writers := []*writer{
		{channel: p.channel(t, "GROUP"), ids: map[string]string{}}, {channel: p.channel(t, "GROUP"), ids: map[string]string{}},
	}
	for range setting("ANNALS_CRASHES", 1, 100) {
		underLoad(t.Context(), p.client, writers, func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(500))*time.Millisecond)
			defer cancel()
			if said, err := rebuild(ctx, settings); err != nil && ctx.Err() == nil {
				t.Errorf("the rebuild failed by itself: %v: %s", err, said)
			}
		})
	}
	p.stop(t) // what was under way without an answer has happened now, or never will
	p = spawn(t, settings...)
	for _, w := range writers {
		w.verify(t, p.client, "")
	}
	live, rows := p.messages(t, writers[0].channel), rowsShown(t, database)
	said, err := rebuild(t.Context(), settings)
	if err != nil || !strings.Contains(said, "rebuilt agents, servers") {
		t.Fatalf("%v: %s", err, said)
	}
	if again := p.messages(t, writers[0].channel); !slices.Equal(again, live) {
		t.Errorf("%d messages live, %d rebuilt, or others", len(live), len(again))
	}
	if diff := cmp.Diff(rows, rowsShown(t, database)); diff != "" {
		t.Errorf("rebuilt, it differs:\n%s", diff)
	}
	for _, w := range writers {
		w.verify(t, p.client, "")
	}
	p.stop(t)
	if said, err := rebuild(t.Context(), settings); err != nil {
		t.Fatalf("without a server: %v: %s", err, said)
	}
	p = spawn(t, settings...)
	if again := p.messages(t, writers[0].channel); !slices.Equal(again, live) {
		t.Errorf("%d messages live, %d rebuilt without a server, or others", len(live), len(again))
	}
	if diff := cmp.Diff(rows, rowsShown(t, database)); diff != "" {
		t.Errorf("rebuilt without a server, it differs:\n%s", diff)
	}
}
