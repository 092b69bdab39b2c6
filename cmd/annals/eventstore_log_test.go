package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/events/esdb"
)

func annals(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := run(ctx, args); err != nil {
		t.Fatalf("annals %s: %v", strings.Join(args, " "), err)
	}
}

func TestALogIsBackedUpExportedTakenHomeAndVerifiedBesideItsNode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	store, url := spawnStore(t, in("events"))
	keys, err := events.NewFileKeys(in("keys"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := esdb.Open(ctx, esdb.Options{URL: url, Codec: events.NewCodec(keys), Logger: node.Level("error").Logger()})
	if err != nil {
		t.Fatal(err)
	}
	for range 600 { // more than a page of the client
		id := uuid.New()
		fact := events.Proposed{ID: id, Event: events.AgentStarted{AgentID: id}, Meta: events.Metadata{At: time.Now()}}
		if _, err := s.Append(ctx, events.AgentStream(id), events.NoStream, fact); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	second := run(ctx, []string{"eventstore", "--listen", "127.0.0.1:0", "--data", in("events")})
	if second == nil || !strings.Contains(second.Error(), "another process has the event log") || !strings.Contains(second.Error(), "stop it, or name another folder") {
		t.Errorf("a second node on the same log ended with %v", second)
	}
	annals(t, "eventstore", "verify", "--data", in("events"))
	annals(t, "eventstore", "export", in("local"), "--data", in("events"))
	annals(t, "eventstore", "export", in("remote"), "--from", url)
	annals(t, "eventstore", "backup", in("backup"), "--data", in("events"))
	if code := store.stop(t); code != 0 {
		t.Errorf("annals eventstore ended with %d", code)
	}
	if err := os.WriteFile(in("edited"), []byte("\ufeff"+contents(t, in("remote"))), 0o600); err != nil { // as editors save it
		t.Fatal(err)
	}
	annals(t, "eventstore", "import", in("edited"), "--data", in("home/events"))
	for _, log := range []string{"events", "backup", "home/events"} {
		annals(t, "eventstore", "verify", "--data", in(log))
		annals(t, "eventstore", "export", in(filepath.Base(log)+"-again"+filepath.Dir(log)), "--data", in(log))
	}
	want := contents(t, in("local"))
	for _, name := range []string{"remote", "events-again.", "backup-again.", "events-againhome"} {
		if contents(t, in(name)) != want {
			t.Errorf("%s differs from the export of the running node", name)
		}
	}
	if n := strings.Count(want, "\n"); n != 606 {
		t.Errorf("%d events were exported, of 606", n)
	}
	soon, end := context.WithTimeout(ctx, time.Second)
	defer end()
	if err := run(soon, []string{"eventstore", "export", in("cut off"), "--from", "esdb://127.0.0.1:1?tls=false"}); err == nil {
		t.Error("a log was exported from nobody")
	}
	if _, err := os.Stat(in("cut off")); !os.IsNotExist(err) {
		t.Error("an export that failed is left as if it were one")
	}
	stranger := run(ctx, []string{"eventstore", "import", in("remote"), "--data", in("events")})
	if stranger == nil {
		t.Error("a log was imported over another")
	}
}

func contents(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheLogOfARunningServerIsBackedUpAndServedFromTheBackup(t *testing.T) {
	t.Parallel()
	dir, home := t.TempDir(), t.TempDir()
	p := spawn(t, "SERVER_PORT=0", "DATA_DIR="+dir, "POSTGRES_URL="+pgtest.New(t))
	channel := p.channel(t, "GROUP")
	if _, a, err := p.post(t.Context(), channel, "in the backup"); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	log := filepath.Join(dir, "events")
	annals(t, "eventstore", "verify", "--data", log)
	annals(t, "eventstore", "backup", filepath.Join(home, "events"), "--data", log)
	if _, a, err := p.post(t.Context(), channel, "after it"); err != nil || a.status != http.StatusCreated {
		t.Fatalf("the server does not go on: %d %s: %v", a.status, a.body, err)
	}
	if err := os.CopyFS(filepath.Join(home, "keys"), os.DirFS(filepath.Join(dir, "keys"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(home, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	p = spawn(t, "SERVER_PORT=0", "DATA_DIR="+home, "POSTGRES_URL="+pgtest.New(t))
	if got := p.messages(t, channel); len(got) != 1 || got[0].Content != "in the backup" {
		t.Errorf("served from the backup: %+v", got)
	}
}
