package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
)

func TestARebuildSaysWhatItWouldDoAndHowFarItIs(t *testing.T) {
	t.Parallel()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	channel := p.channel(t, "GROUP")
	for i := range 20 {
		if _, a, err := p.post(t.Context(), channel, fmt.Sprint(i)); err != nil || a.status != 201 {
			t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
	}
	for _, c := range []struct {
		args  string
		fails bool
		says  []string
	}{
		{"", true, []string{"name the projections to rebuild, or say --all"}},
		{"--all messages", true, []string{"name the projections to rebuild, or say --all"}},
		{"nonsense", true, []string{`there is no projection "nonsense"`, "messages"}},
		{"--dry-run messages", false, []string{`messages \(version \d+\): generation \d+ is shown, at position \d+; a new generation would be filled up to \d+`}},
		{"--dry-run messages", false, []string{"a new generation"}}, // nothing was begun
		{"messages turns", false, []string{`(?m)^rows: `, `(?m)^indexes: \d+ events, \d+/s, 100 %, 0s left$`, `rebuilt messages, turns: \d+ events in `}},
		{"--dry-run --all", false, []string{"agents .*servers .*channels .*participants .*messages .*turns "}},
	} {
		said, err := rebuild(t.Context(), settings, strings.Fields(c.args+" --log-level=warn")...)
		if (err != nil) != c.fails {
			t.Errorf("%s: %v: %s", c.args, err, said)
		}
		for _, says := range c.says {
			if !regexp.MustCompile("(?s)" + says).MatchString(said) {
				t.Errorf("%s: it does not say %q: %s", c.args, says, said)
			}
		}
	}
	if n := len(p.messages(t, channel)); n != 20 {
		t.Errorf("%d of 20 messages after all that", n)
	}
}

func TestAnInterruptedRebuildSaysSoHurtsNobodyAndGoesOn(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + database}
	p := spawn(t, settings...)
	channel := p.channel(t, "GROUP")
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	// It cannot begin while somebody else changes which generations there are.
	if _, err := conn.Exec(t.Context(), `select pg_advisory_lock(hashtextextended('annals.prepare', 0))`); err != nil {
		t.Fatal(err)
	}
	cmd := rebuilding(t.Context(), settings, "--all")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "it waits", func() bool {
		waiting := 0
		err := conn.QueryRow(t.Context(), `select count(*) from pg_locks
where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`).Scan(&waiting)
		return err == nil && waiting > 0
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(said.String(), "interrupted; the same command goes on from here") {
		t.Errorf("%v: %s", err, said.String())
	}
	if _, a, err := p.post(t.Context(), channel, "meanwhile"); err != nil || a.status != 201 {
		t.Errorf("%d %s: %v", a.status, a.body, err)
	}
	if _, err := conn.Exec(t.Context(), `select pg_advisory_unlock_all()`); err != nil {
		t.Fatal(err)
	}
	if said, err := rebuild(t.Context(), settings); err != nil || !strings.Contains(said, "rebuilt agents") {
		t.Errorf("%v: %s", err, said)
	}
	if n := len(p.messages(t, channel)); n != 1 {
		t.Errorf("%d messages instead of one", n)
	}
}
