package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/events/vault"
)

// schema lists what a database consists of, but for what comes with PostgreSQL and pgvector, and the read models of the past.
const schema = `
with ours as (select oid, nspname from pg_namespace where nspname !~ '^pg_|^information_schema$|^public$|^past$')
select format('table %s.%s %s %s', nspname, relname, relpersistence, array_to_string(reloptions, ' '))
	from pg_class c join ours n on n.oid = relnamespace where relkind = 'r'
union all select format('view %s.%s', nspname, relname) from pg_class c join ours n on n.oid = relnamespace where relkind = 'v'
union all select format('column %s.%s.%s %s %s%s%s', nspname, relname, attname, format_type(atttypid, atttypmod),
	case when attnotnull then 'not null' else 'null' end, ' default ' || pg_get_expr(adbin, adrelid), ' identity ' || nullif(attidentity::text, ''))
	from pg_attribute a join pg_class c on c.oid = attrelid join ours n on n.oid = relnamespace
	left join pg_attrdef on adrelid = attrelid and adnum = attnum
	where attnum > 0 and not attisdropped and relkind in ('r', 'v')
union all select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(c.oid))
	from pg_constraint c join ours n on n.oid = connamespace where contype <> 'n'
union all select format('index %s', pg_get_indexdef(i.oid)) from pg_class i join ours n on n.oid = relnamespace where relkind = 'i'
union all select format('function %s', regexp_replace(pg_get_functiondef(p.oid), '\s+', ' ', 'g')) from pg_proc p join ours n on n.oid = pronamespace`

func TestTheSurfaceOfAFreshDatabaseAndDataFolderIsFrozen(t *testing.T) {
	t.Parallel()
	c := node.Config{Places: node.Places{DataDir: t.TempDir(), PostgresURL: pgtest.New(t)}}
	s := inside(t, func(set *node.Config) { set.DataDir, set.PostgresURL = c.DataDir, c.PostgresURL })
	s.runningAgent(t, "Eliza")
	ctx := t.Context()
	keys, err := vault.New(ctx, c.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	if _, err := keys.Key(ctx, uuid.New(), true); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, c.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	eventually(t, time.Minute, "everything is indexed", func() (all bool) {
		if err := conn.QueryRow(ctx, `select bool_and(indexed and ready) from annals.generations`).Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	})
	frozen(t, "gauges.txt", lines(gauges(t, string(s.must(t, http.StatusOK, http.MethodGet, "/metrics", nil).body))))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	frozen(t, "data-folder.txt", lines(inFolder(t, c.DataDir)))

	annals(t, "rebuild", "--data-dir", c.DataDir, "--postgres-url", c.PostgresURL, "--until", "2100-01-01", "--into", "past")
	rows, err := conn.Query(ctx, schema)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	frozen(t, "schema.txt", lines(found))
}

// gauges are what a running server has one figure of each for: groups, projections, reactions and kinds of sockets.
func gauges(t *testing.T, scraped string) []string {
	t.Helper()
	known, err := os.ReadFile(filepath.Join("testdata", "surface", "metrics.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(scraped) {
		if kind, ok := strings.CutPrefix(line, "# TYPE annals_"); ok && !strings.Contains(string(known), `"annals_`+strings.Fields(kind)[0]+`"`) {
			t.Errorf("metrics.txt does not have annals_%s", kind)
		}
		for _, name := range []string{"annals_projection_stopped{", "annals_parked_events{", "annals_sockets{"} {
			if strings.HasPrefix(line, name) {
				all = append(all, strings.Fields(line)[0])
			}
		}
	}
	return all
}

// inFolder names what a data folder consists of, and the fields of the heads of the chain.
func inFolder(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		kind := "file"
		if e.IsDir() {
			kind = "folder"
		}
		all = append(all, kind+" "+e.Name())
	}
	heads, err := os.ReadFile(filepath.Join(dir, "chain"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(heads)) {
		var head map[string]any
		if err := json.Unmarshal([]byte(line), &head); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint("a head has ", slices.Sorted(maps.Keys(head))))
	}
	return all
}
