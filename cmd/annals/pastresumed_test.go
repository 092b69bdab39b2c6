package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
)

func TestABuildOfThePastThatIsInterruptedSaysSoAndGoesOnFromEachSource(t *testing.T) {
	t.Parallel()
	dir, url := t.TempDir(), pgtest.New(t)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + url}
	p, _, _ := talked(t, settings)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	// The agent may still be answering: what is recorded after this position is not built.
	until := strconv.FormatUint(uint64(moment(t, conn, "live")), 10)
	p.stop(t)
	log := filepath.Join(dir, "events")
	backup, export := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "log.ndjson")
	annals(t, "eventstore", "backup", "--data", log, backup)
	annals(t, "eventstore", "export", "--data", log, export)
	if said, err := annalsSays(t.Context(), settings, "rebuild", "--until", until, "--into", "first"); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for name, from := range map[string][]string{"store": nil, "backup": {"--from", backup}, "export": {"--from", export}} {
		args := append([]string{"rebuild", "--until", until, "--into", "audit_" + name}, from...)
		// Its rows cannot be committed while somebody holds the place where it says how far it is.
		hold, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hold.Exec(t.Context(), `lock table annals.pasts in share mode`); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
		cmd.Env = append(append(os.Environ(), asAnnals+"=1", "LOG_LEVEL=error"), settings...)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "it waits", func() bool {
			waiting := 0
			err := hold.QueryRow(t.Context(), `select count(*) from pg_locks where relation = 'annals.pasts'::regclass and not granted`).Scan(&waiting)
			return err == nil && waiting > 0
		})
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(said.String(), "interrupted; the same command goes on from here") {
			t.Errorf("%s: %v: %s", name, err, said.String())
		}
		if err := hold.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if said, err := annalsSays(t.Context(), settings, args...); err != nil || !strings.Contains(said, "annals serve --read-only --schema audit_"+name) {
			t.Errorf("%s: %v: %s", name, err, said)
		}
		if alike(t, conn, "live", "audit_"+name) == 0 {
			t.Error("there was nothing to build")
		}
	}
}
