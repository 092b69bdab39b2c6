package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/node"
	"annals/deploy/postgres"
	"annals/deploy/postgres/pgtest"
	"annals/events/embedded"
	"annals/transport/models/openai/openaitest"
)

// away is how long a dependency is gone.
func away() time.Duration {
	return time.Duration(setting("ANNALS_OUTAGE_SECONDS", 2, 10)) * time.Second
}

// during posts to a channel for as long as something is away, each attempt within its limit, and gives what was
// acknowledged. Every answer is a 201 or a 503 that says when to come back.
func during(t *testing.T, c *client, w *writer, outage time.Duration) (acked, refused int) {
	t.Helper()
	pace := time.NewTicker(10 * time.Millisecond) // the agent has to answer all of it, one after another
	defer pace.Stop()
	for end := time.Now().Add(outage); time.Now().Before(end); <-pace.C {
		content := fmt.Sprintf("message %d", w.next)
		w.next++
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		id, a, err := c.post(ctx, w.channel, content)
		cancel()
		switch {
		case err != nil:
			t.Fatalf("no answer while something was away: %v", err)
		case a.status == http.StatusCreated:
			acked++
			w.acked = append(w.acked, content)
			w.ids[content] = id
		case a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "":
			refused++
		default:
			t.Fatalf("status %d while something was away: %s", a.status, a.body)
		}
	}
	return acked, refused
}

func TestOutageOfPostgresStopsNoWriteAndEverythingCatchesUp(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	cluster := pgtest.Start(t, dir)
	s := inside(t, func(c *node.Config) { c.PostgresURL = cluster.URL() })
	agent := s.runningAgent(t, "Patient")
	w := &writer{channel: s.channel(t, "DM", agent), ids: map[string]string{}}
	during(t, s.client, w, 200*time.Millisecond)
	if err := cluster.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	acked, refused := during(t, s.client, w, away())
	if acked == 0 || refused > 0 {
		t.Errorf("while PostgreSQL was away %d messages were accepted and %d refused", acked, refused)
	}
	if a, err := s.call(t.Context(), http.MethodGet, "/api/agents", nil); err != nil || a.status != http.StatusServiceUnavailable {
		t.Errorf("a read while PostgreSQL was away: %v %d", err, a.status)
	}
	if a, err := s.call(t.Context(), http.MethodGet, "/api/server/health", nil); err != nil || a.status != http.StatusServiceUnavailable {
		t.Errorf("health while PostgreSQL was away: %v %d", err, a.status)
	}
	again(t, cluster)
	w.verify(t, s.client, agent)
}

// A projection that hangs, and neither fails nor goes on, is noticed by what waits for it.
func TestOutageOfAProjectionThatHangsTurnsHealthRedUntilItGoesOn(t *testing.T) {
	t.Parallel()
	if away() < node.Tolerated {
		t.Skip("set ANNALS_OUTAGE_SECONDS=10")
	}
	database := pgtest.New(t)
	s := inside(t, func(c *node.Config) { c.PostgresURL = database })
	channel := s.channel(t, "GROUP")
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), "begin; select 1 from annals.generations for update", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if _, a, err := s.post(t.Context(), channel, "stuck"); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	eventually(t, 3*node.Tolerated, "health says that it does not move", func() bool {
		status, found := readHealth(t, s.client)
		return status == http.StatusServiceUnavailable && strings.Contains(found.Dependencies["projections"], "does not move although facts wait")
	})
	if _, err := conn.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "health is well again", func() bool {
		status, _ := readHealth(t, s.client)
		return status == http.StatusOK
	})
	if n := len(s.messages(t, channel)); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func again(t *testing.T, cluster *postgres.Cluster) {
	t.Helper()
	pgtest.Start(t, cluster.Dir())
}

func TestOutageOfTheEventStoreIsAClear503AndEverythingRecovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, address := startTCP(t, dir, "127.0.0.1:0")
	s := inside(t, func(c *node.Config) { c.EventStoreURL = "esdb://" + address + "?tls=false" })
	agent := s.runningAgent(t, "Patient")
	w := &writer{channel: s.channel(t, "DM", agent), ids: map[string]string{}}
	during(t, s.client, w, 200*time.Millisecond)
	closeNode(t, store)
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(away())
		startTCP(t, dir, address)
	}()
	during(t, s.client, w, away()+time.Second)
	<-done
	if _, a, err := s.post(t.Context(), w.channel, "after"); err != nil || a.status != http.StatusCreated {
		t.Fatalf("after the outage: %v %d %s", err, a.status, a.body)
	}
	w.verify(t, s.client, agent)
}

// startTCP runs a node of the event store that the test can take away.
func startTCP(t *testing.T, dir, address string) (*embedded.Node, string) {
	t.Helper()
	return startTCPOn(t, vfs.Default, dir, address)
}

func startTCPOn(t *testing.T, disk vfs.FS, dir, address string) (*embedded.Node, string) {
	t.Helper()
	l, err := net.Listen("tcp", address) //nolint:noctx // nothing to wait for
	if err != nil {
		t.Error(err)
		return nil, ""
	}
	node, err := embedded.Open(t.Context(), embedded.Options{Dir: dir, FS: disk, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Error(err)
		return nil, ""
	}
	go func() { _ = node.Serve(l) }()
	t.Cleanup(func() { closeNode(t, node) })
	return node, l.Addr().String()
}

func closeNode(t *testing.T, node *embedded.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := node.Close(ctx); err != nil {
		t.Logf("closing the node: %v", err)
	}
}

func TestAModelThatIsSlowOrFailsTwiceAnswersOnce(t *testing.T) {
	t.Parallel()
	slow := time.Duration(setting("ANNALS_SLOW_SECONDS", 2, 90)) * time.Second
	for _, script := range []openaitest.Script{{Delay: slow}, {Fail: 2, Status: http.StatusInternalServerError}} {
		model := openaitest.Start(t, script)
		settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t), "OPENAI_BASE_URL=" + model.URL}
		p := spawn(t, settings...)
		agent := p.runningAgent(t, "Slow")
		w := &writer{channel: p.channel(t, "DM", agent), ids: map[string]string{}}
		id, a, err := p.post(t.Context(), w.channel, "Are you there?")
		if err != nil || id == "" {
			t.Fatalf("post: %v %s", err, a.body)
		}
		w.acked, w.ids = []string{"Are you there?"}, map[string]string{"Are you there?": id}
		eventually(t, time.Minute, "the model is asked", func() bool { return len(model.Requests()) > 0 })
		p.kill() // in the middle of the answer
		p = spawn(t, settings...)
		w.verify(t, p.client, agent)
		p.stop(t)
	}
}
