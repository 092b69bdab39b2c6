package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

// faults is how often each fault is made.
func faults() int { return setting("ANNALS_FAULTS", 2, 20) }

// feeders are the processes of PostgreSQL that the feed of a database has.
const feeders = "select pid from pg_stat_activity where datname = current_database() and application_name = 'annals feed'"

// A read that names a position never answers earlier, whatever happens to the feed: it shows what was written, or is a 503
// that says when to come back. The write is a 201 all the same, and a read that names nothing is answered.
func TestAReadThatNamesAPositionIsNeverStale(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*testing.T, *pgx.Conn) (mend func()){
		"the feed's backends are killed": func(t *testing.T, conn *pgx.Conn) func() {
			execute(t, conn, strings.Replace(feeders, "pid", "pg_terminate_backend(pid)", 1))
			return func() {}
		},
		"a row of the checkpoints is locked": func(t *testing.T, conn *pgx.Conn) func() {
			execute(t, conn, "begin; select 1 from annals.generations for update")
			return func() { execute(t, conn, "rollback") }
		},
		"the messages are locked against writes": func(t *testing.T, conn *pgx.Conn) func() {
			var table string
			if err := conn.QueryRow(t.Context(), `select nspname || '.messages' from pg_namespace where nspname ~ '^messages_g[0-9]+$'`).Scan(&table); err != nil {
				t.Fatal(err)
			}
			execute(t, conn, "begin; lock table "+table+" in share mode")
			return func() { execute(t, conn, "rollback") }
		},
		"the feed's backends are frozen": func(t *testing.T, conn *pgx.Conn) func() {
			rows, err := conn.Query(t.Context(), feeders)
			if err != nil {
				t.Fatal(err)
			}
			pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
			if err != nil || len(pids) == 0 {
				t.Fatalf("the feed has no backends: %v", err)
			}
			signal := func(s syscall.Signal) {
				for _, pid := range pids {
					_ = syscall.Kill(pid, s)
				}
			}
			signal(syscall.SIGSTOP)
			return func() { signal(syscall.SIGCONT) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			database := pgtest.New(t)
			s := inside(t, func(c *node.Config) { c.PostgresURL = database })
			channel := s.channel(t, "GROUP")
			conn, err := pgx.Connect(t.Context(), database)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
			shown := 0
			for n := range faults() {
				shown += writtenAndRead(t, s.client, channel, fmt.Sprintf("%s %d", name, n), func() func() { return fault(t, conn) })
			}
			t.Logf("%d of %d reads showed what was written while it was so", shown, 2*faults())
		})
	}
}

// writtenAndRead posts under a fault and reads at the position of the post: during the fault, which may be refused, and after.
func writtenAndRead(t *testing.T, c *client, channel, said string, fault func() (mend func())) (shown int) {
	t.Helper()
	path := "/api/messaging/central-channels/" + channel + "/messages?limit=5"
	mend := sync.OnceFunc(fault())
	defer mend()
	began := time.Now()
	_, posted, err := c.post(t.Context(), channel, said)
	if err != nil || posted.status != http.StatusCreated {
		t.Fatalf("a write while the feed is disturbed: %v %d %s", err, posted.status, posted.body)
	}
	position := posted.header.Get("X-Annals-Position")
	for _, read := range []func() (answer, error){
		func() (answer, error) {
			return c.call(t.Context(), http.MethodGet, path, nil, "X-Annals-After", position)
		},
		func() (answer, error) {
			return c.call(t.Context(), http.MethodPost, "/api/messaging/messages/search",
				map[string]string{"query": `"` + said + `"`, "channelId": channel}, "X-Annals-After", position)
		},
	} {
		a, err := read()
		switch {
		case err != nil:
			t.Fatal(err)
		case a.status == http.StatusOK && strings.Contains(string(a.body), said):
			shown++
		case a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "" && strings.Contains(string(a.body), "X-Annals-After"):
		default:
			t.Errorf("a read at the position of %q: %d %s", said, a.status, a.body)
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("a write and two reads took %v", took)
	}
	c.must(t, http.StatusOK, http.MethodGet, path, nil)
	mend()
	eventually(t, time.Minute, "what was written is read", func() bool {
		a, err := c.call(t.Context(), http.MethodGet, path, nil, "X-Annals-After", position)
		if err != nil || a.status == http.StatusOK && !strings.Contains(string(a.body), said) {
			t.Fatalf("a read at the position of %q: %v %d %s", said, err, a.status, a.body)
		}
		return a.status == http.StatusOK
	})
	return shown
}

// An answer that goes on keeps the promise, too: it is not begun earlier than at the position.
func TestAnAnswerThatGoesOnBeginsNoEarlierThanItsPosition(t *testing.T) {
	t.Parallel() // it waits most of the time
	database := pgtest.New(t)
	s := inside(t, func(c *node.Config) { c.PostgresURL = database })
	agent := s.runningAgent(t, "Followed")
	channel := s.channel(t, "GROUP")
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	execute(t, conn, "begin; select 1 from annals.generations for update")
	_, posted, err := s.post(t.Context(), channel, "not to be read yet")
	if err != nil || posted.status != http.StatusCreated {
		t.Fatalf("%v %d", err, posted.status)
	}
	for _, path := range []string{"/api/agents/" + agent + "/logs/stream", "/api/history/events?format=ndjson"} {
		a := s.must(t, http.StatusServiceUnavailable, http.MethodGet, path, nil, "X-Annals-After", posted.header.Get("X-Annals-Position"))
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	execute(t, conn, "rollback")
}

func execute(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(context.WithoutCancel(t.Context()), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}
