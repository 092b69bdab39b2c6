package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/node"
)

// reachable makes a data folder that the account of the private PostgreSQL reaches, so that it lives in there; a cluster that a
// failed test leaves running is ended.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "annals-erased-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Cleanup(func() {
		lines, err := os.ReadFile(filepath.Join(dir, "postgres", "data", "postmaster.pid"))
		if id, _, _ := strings.Cut(string(lines), "\n"); err == nil {
			if pid, err := strconv.Atoi(id); err == nil && pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGQUIT)
			}
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// hold keeps a transaction open until the rows that it could see are gone: PostgreSQL keeps what its statistics say of them for as long.
// Whatever reads at the time of an erasure is such a transaction.
func hold(t *testing.T, conn *pgx.Conn, url string) (ended <-chan struct{}) {
	t.Helper()
	watching, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	var old []string
	if err := tx.QueryRow(t.Context(), `select array_agg(nspname) from pg_namespace where substring(nspname from '^(.*)_g[0-9]+$') = any ($1)`, legible()).Scan(&old); err != nil || len(old) == 0 {
		t.Fatal(old, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var gone time.Time
		for left := 1; left > 0 || time.Since(gone) < time.Second; { // a second is enough to wipe what may be wiped
			if err := watching.QueryRow(t.Context(), `select count(*) from pg_namespace where nspname = any ($1)`, old).Scan(&left); err != nil {
				t.Error(err)
				return
			}
			if left > 0 {
				gone = time.Now()
			}
		}
		_ = watching.Close(context.WithoutCancel(t.Context()))
		if err := tx.Commit(t.Context()); err != nil {
			t.Error(err)
		}
		_ = conn.Close(context.WithoutCancel(t.Context()))
	}()
	return done
}

// Everything of a server is in its data folder: log, keys, blobs, and PostgreSQL with its log, its statistics and its spool.
func TestAfterAnErasureNoFileOfTheDataFolderHoldsTheText(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL="}
	p := spawn(t, settings...)
	agent := p.runningAgent(t, "Eliza")
	channel := p.channel(t, "GROUP", agent)
	path := "/api/messaging/central-channels/" + channel + "/messages"
	for i := range 60 { // so many that statistics list them among the most common values
		for _, text := range []string{canary, fmt.Sprint(canary, " ", i)} {
			p.must(t, http.StatusCreated, http.MethodPost, path, map[string]any{
				"author_id": somebody, "server_id": defaultServer, "content": text,
				"metadata": map[string]any{"user_display_name": "Ann " + canary}, "raw_message": map[string]any{"text": text},
			}, "Idempotency-Key", fmt.Sprint(text, i))
		}
	}
	// Others are under way when their person is erased.
	eventually(t, time.Minute, "the agent has answered something", func() bool {
		said := string(p.must(t, http.StatusOK, http.MethodGet, path+"?limit=1000", nil).body)
		return strings.Count(said, `"authorId":"`+agent+`"`) >= 20
	})
	mine := p.channel(t, "DM", agent) // of one person: what clients call it is theirs
	p.must(t, http.StatusOK, http.MethodPatch, "/api/messaging/central-channels/"+mine, map[string]any{
		"name": "Ann's " + canary, "metadata": map[string]any{"title": canary},
	})
	p.must(t, http.StatusCreated, http.MethodPost, "/api/messaging/central-channels/"+mine+"/messages?wait=reply", map[string]any{
		"author_id": somebody, "server_id": defaultServer, "content": "remember " + canary, // in a room with the name of the channel
	})
	opened := uuid.NewString() // the message makes this channel
	p.must(t, http.StatusCreated, http.MethodPost, "/api/messaging/central-channels/"+opened+"/messages", map[string]any{
		"author_id": somebody, "server_id": defaultServer, "content": "hello", "metadata": map[string]any{"user_display_name": "Ann " + canary, "isDm": true},
	})
	details := func() string {
		return string(p.must(t, http.StatusOK, http.MethodGet, "/api/messaging/central-channels/"+opened+"/details", nil).body)
	}
	if said := details(); !strings.Contains(said, canary) || !strings.Contains(said, "created_for_user") {
		t.Errorf("the channel that a message made: %s", said)
	}
	p.must(t, http.StatusOK, http.MethodPatch, "/api/messaging/central-channels/"+opened, map[string]any{"name": "another name"})
	session := p.openSession(t, agent, map[string]any{"username": "Ann " + canary})
	if said := p.must(t, http.StatusOK, http.MethodGet, session, nil).body; !strings.Contains(string(said), canary) {
		t.Errorf("the session: %s", said)
	}
	b, err := node.Open(t.Context(), node.Places{DataDir: dir}.Options())
	defer b.Stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), b.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "analyze"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "checkpoint"); err != nil {
		t.Fatal(err)
	}
	seen := hold(t, conn, b.DatabaseURL)
	if found := filesWith(t, dir, canary); len(found) < 3 {
		t.Fatalf("before the erasure only %v hold the text: the test finds nothing", found)
	}
	if out, err := annalsSays(t.Context(), settings, "erase", somebody); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	<-seen
	if found := filesWith(t, dir, canary); len(found) > 0 {
		t.Errorf("beside the server these still hold the text: %v", found)
	}
	if said := details(); strings.Contains(said, canary) || !strings.Contains(said, "created_for_user") {
		t.Errorf("the channel after the erasure: %s", said)
	}
	if said := p.must(t, http.StatusOK, http.MethodGet, session, nil).body; !strings.Contains(string(said), `"metadata":{}`) {
		t.Errorf("the session after the erasure: %s", said)
	}
	for _, path := range []string{
		path + "?limit=1000", "/api/messaging/central-channels/" + mine + "/details", "/api/agents/" + agent + "/rooms", "/api/agents/" + agent + "/logs?count=1000",
		"/api/agents/" + agent + "/memories", "/api/memory/agents/" + agent + "/export?format=ndjson&includeEmbedding=true", "/api/history/events?format=ndjson",
		"/api/memory/agents/" + agent + "/insights", "/api/server/logs?limit=1000", "/api/server/debug/state", "/api/server/health", "/metrics",
	} {
		if a := p.answers(t, http.MethodGet, path); strings.Contains(string(a.body), canary) {
			i := strings.Index(string(a.body), canary)
			t.Errorf("%s says … %s …", path, a.body[max(0, i-200):min(len(a.body), i+200)])
		}
	}
	p.stop(t)
	b.Stop(t.Context())
	if found := filesWith(t, dir, canary); len(found) > 0 {
		t.Errorf("these still hold the text: %v", found)
	}
	verified(t, "after the erasure", settings, nil)
}
