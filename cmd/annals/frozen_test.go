package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/transport/httpapi"
)

// freeze stops a process without ending it; the returned function lets it go on.
func (p *process) freeze(t *testing.T) (thaw func()) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	thaw = func() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }
	t.Cleanup(thaw)
	return thaw
}

func TestAFrozenStoreIsNamedByHealthAndAWriteIsRefusedWithin10Seconds(t *testing.T) {
	t.Parallel() // it waits most of the time
	store, url := spawnStore(t, t.TempDir())
	s := inside(t, func(c *node.Config) { c.EventStoreURL = url })
	channel := s.channel(t, "GROUP")
	thaw := store.freeze(t)
	for range 2 {
		began := time.Now()
		if _, a, err := s.post(t.Context(), channel, "into the cold"); err != nil || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("%v %d %s", err, a.status, a.body)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the refusal took %v", took)
		}
	}
	status, found := readHealth(t, s.client)
	if status != http.StatusServiceUnavailable || !strings.Contains(found.Dependencies["eventstore"], "does not answer") ||
		found.Dependencies["postgres"] != "healthy" || found.Dependencies["projections"] != "healthy" {
		t.Errorf("%d %v", status, found.Dependencies)
	}
	thaw()
	eventually(t, time.Minute, "messages are taken again", func() bool {
		_, a, err := s.post(t.Context(), channel, "in the warmth")
		return err == nil && a.status == http.StatusCreated
	})
	eventually(t, time.Minute, "health is well again", func() bool { status, _ := readHealth(t, s.client); return status == http.StatusOK })
}

func TestHealthIsRedWhileTheStoreRefusesEveryWrite(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	_, address := startTCPOn(t, disk, "log", "127.0.0.1:0")
	s := inside(t, func(c *node.Config) { c.EventStoreURL = "esdb://" + address + "?tls=false" })
	ill := func() bool {
		status, found := readHealth(t, s.client)
		return status == http.StatusServiceUnavailable && strings.Contains(found.Dependencies["eventstore"], "takes no writes")
	}
	page := func(path string) int {
		a, err := http.Get("http://" + address + path) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		return a.StatusCode
	}
	if ill() || page("/health") != http.StatusNoContent || page("/health/live") != http.StatusNoContent {
		t.Fatal("it is red before")
	}
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20})
	eventually(t, time.Minute, "health is red", ill)
	if page("/health") != http.StatusServiceUnavailable || page("/health/live") != http.StatusNoContent {
		t.Errorf("/health is %d and /health/live %d", page("/health"), page("/health/live"))
	}
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 40})
	eventually(t, time.Minute, "health is well again", func() bool { return !ill() && page("/health") == http.StatusNoContent })
}

func TestNoGETIsAnErrorOfOursWhileTheDatabaseDoesNotExist(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	s := inside(t, func(c *node.Config) { c.PostgresURL = database })
	agent := s.runningAgent(t, "Homeless")
	s.channel(t, "GROUP", agent)
	config, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	name := config.Database
	config.Database = "postgres"
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), "drop database "+pgx.Identifier{name}.Sanitize()+" with (force)"); err != nil {
		t.Fatal(err)
	}
	for _, r := range httpapi.Routes() {
		if r.Method != http.MethodGet || strings.Contains(r.Path, "stream") || !strings.HasPrefix(r.Path, "/api") && !strings.HasPrefix(r.Path, "/media") && r.Path != "/metrics" {
			continue
		}
		path := r.Path
		for _, part := range strings.Split(r.Path, "/") {
			if strings.HasPrefix(part, ":") || strings.HasPrefix(part, "*") {
				path = strings.Replace(path, part, agent, 1)
			}
		}
		for _, query := range []string{"", "?asOf=2100-01-01T00:00:00Z", "?q=x"} {
			a, err := s.call(t.Context(), http.MethodGet, path+query, nil)
			if err != nil || a.status == http.StatusInternalServerError {
				t.Errorf("%s: %v %d %s", path+query, err, a.status, a.body)
			}
		}
	}
	_, err = conn.Exec(t.Context(), "create database "+pgx.Identifier{name}.Sanitize())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "it is filled anew", func() bool {
		a, err := s.call(t.Context(), http.MethodGet, "/api/agents/"+agent, nil)
		return err == nil && a.status == http.StatusOK
	})
}

func TestAnErasureThatIsHeldUpNamesWhoHoldsItUpAndIsRememberedUntilItIsFinished(t *testing.T) {
	t.Parallel() // it waits most of the time
	database := pgtest.New(t)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + database}
	p := spawn(t, settings...)
	if _, a, err := p.post(t.Context(), p.channel(t, "GROUP"), canary); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%v %d", err, a.status)
	}
	p.stop(t)
	// A frozen node is a session that keeps its locks.
	frozen, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = frozen.Close(context.WithoutCancel(t.Context())) }()
	if _, err := frozen.Exec(t.Context(), "select pg_advisory_lock(hashtext('annals.generation'), generation::integer) from annals.generations"); err != nil {
		t.Fatal(err)
	}
	out, err := annalsSays(t.Context(), settings, "erase", somebody)
	if err == nil || !strings.Contains(out, "frozen or cut off") || !strings.Contains(out, "process "+strconv.Itoa(int(frozen.PgConn().PID()))) || strings.Contains(out, "another build") {
		t.Errorf("%v: it says: %s", err, out)
	}
	if _, err := frozen.Exec(t.Context(), "update annals.erasures set begun = now() - interval '1 hour'"); err != nil {
		t.Fatal(err)
	}
	p = spawn(t, settings...)
	told := "repeat annals erase " + somebody
	if status, found := readHealth(t, p.client); status != http.StatusServiceUnavailable || !strings.Contains(found.Dependencies["erasure"], told) {
		t.Errorf("health says %d %v", status, found.Dependencies)
	}
	if said, ill := doctor(t, settings...); !ill || !strings.Contains(said, told) {
		t.Errorf("the doctor of a running server says: %s", said)
	}
	p.stop(t)
	if said, ill := doctor(t, settings...); !ill || !strings.Contains(said, told) {
		t.Errorf("the doctor without a server says: %s", said)
	}
	_ = frozen.Close(t.Context())
	if out, err := annalsSays(t.Context(), settings, "erase", somebody); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if said, ill := doctor(t, settings...); ill {
		t.Errorf("after the erasure the doctor says: %s", said)
	}
	if found := tablesWith(t, database, canary); len(found) > 0 {
		t.Errorf("it is in %v", found)
	}
	if out, err := annalsSays(t.Context(), settings, "erase", "99999999-9999-4999-8999-999999999999"); err == nil || !strings.Contains(out, "nothing was changed") {
		t.Errorf("an id of nobody: %v: %s", err, out)
	}
}

// Of PostgreSQL one process alone may hang: the one that takes new connections, or the one that has a node's locks and tells it of
// commits. Whatever hangs, a read is not stale, and everything is as before when it goes on.
func TestOutageOfOneProcessOfPostgresThatIsFrozenMakesNoReadStale(t *testing.T) {
	t.Parallel() // it waits most of the time
	cluster := pgtest.Start(t, pgtest.Dir(t))
	s := inside(t, func(c *node.Config) { c.PostgresURL = cluster.URL() })
	channel := s.channel(t, "GROUP")
	says(t, s.client, channel, "before")
	conn, err := pgx.Connect(t.Context(), cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	var holder int
	err = conn.QueryRow(t.Context(), `select distinct pid from pg_locks where locktype = 'advisory' and granted
and classid = hashtext('annals.generation')::oid`).Scan(&holder)
	if err != nil {
		t.Fatal(err)
	}
	for name, pid := range map[string]int{"that takes connections": cluster.PID(), "that holds the locks": holder} {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		thaw := func() { _ = syscall.Kill(pid, syscall.SIGCONT) }
		t.Cleanup(thaw)
		answers := map[int]int{}
		for end := time.Now().Add(away()); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			id, a, err := s.post(t.Context(), channel, "while the process "+name+" hangs")
			if err != nil || a.status != http.StatusCreated {
				t.Fatalf("%s: %v %d %s", name, err, a.status, a.body)
			}
			a, err = s.call(t.Context(), http.MethodGet, "/api/messaging/messages/"+id, nil, "X-Annals-After", a.header.Get("X-Annals-Position"))
			if answers[a.status]++; err != nil || a.status != http.StatusOK && a.status != http.StatusServiceUnavailable {
				t.Fatalf("%s: %v %d %s", name, err, a.status, a.body)
			}
		}
		t.Logf("while the process %s hangs reads are answered %v", name, answers)
		thaw()
		says(t, s.client, channel, "after the process "+name)
		eventually(t, time.Minute, "health is well again", func() bool { status, _ := readHealth(t, s.client); return status == http.StatusOK })
	}
}
