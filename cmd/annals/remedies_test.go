package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
)

func TestAnOlderBackupIsVerifiedAgainstTheHeadsThatItReaches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	channel := p.channel(t, "GROUP")
	p.stop(t)
	backup := filepath.Join(t.TempDir(), "backup")
	if out, err := annalsSays(t.Context(), settings, "eventstore", "backup", backup); err != nil { // of the log in DATA_DIR
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := annalsSays(t.Context(), settings, "eventstore", "verify"); err != nil || !strings.Contains(out, "are as they were written") {
		t.Errorf("%v: %s", err, out)
	}
	verified(t, "before", settings, nil)
	until := time.Now().UTC().Format(time.RFC3339Nano)
	p = spawn(t, settings...)
	for range 3 {
		if _, a, err := p.post(t.Context(), channel, "after the backup"); err != nil || a.status != 201 {
			t.Fatal(err, a.status)
		}
	}
	p.stop(t)
	verified(t, "after", settings, nil)
	out, err := annalsSays(t.Context(), settings, "verify", "--from", backup)
	if err != nil || !strings.Contains(out, "goes on to position") || strings.Contains(out, "removed") {
		t.Errorf("%v: %s", err, out)
	}

	out, err = annalsSays(t.Context(), settings, "rebuild", "--until", until, "--into", "audit")
	if err != nil || !strings.Contains(out, "done: ") || !strings.Contains(out[strings.Index(out, "done: "):], "100 %, 0s left") {
		t.Errorf("%v: %s", err, out)
	}
	past := command(t, os.Args[0], dir, settings, "serve", "--read-only", "--schema", "audit")
	for _, missing := range []string{"dashboard", "history", "metrics"} {
		if strings.Contains(past.said, missing) {
			t.Errorf("it announces what it does not serve: %s", past.said)
		}
	}
}
