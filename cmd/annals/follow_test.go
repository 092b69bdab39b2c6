package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
)

// toldLine is a line of `annals history --json`.
type toldLine struct {
	Position, Type, Stream, Actor string
	ID, Correlation, Causation    string
	At, RecordedAt                time.Time
	Data                          struct{ Content, MessageID string }
}

// following runs `annals history --follow` with more arguments; next gives its next line.
func following(t *testing.T, settings []string, args ...string) (next func() string, end func() error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"history", "--follow"}, args...)...)
	cmd.Env = append(append(os.Environ(), asAnnals+"=1", "LOG_LEVEL=error"), settings...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for all := bufio.NewScanner(out); all.Scan(); {
			lines <- all.Text()
		}
	}()
	next = func() string {
		t.Helper()
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatal("it ended")
			}
			return line
		case <-time.After(time.Minute):
			t.Fatal("nothing was told for a minute")
		}
		return ""
	}
	return next, func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		for line := range lines {
			t.Errorf("more was told than happened: %s", line)
		}
		return cmd.Wait()
	}
}

func TestTheTerminalFollowsWhatHappensAlsoThroughARestartOfTheServer(t *testing.T) {
	t.Parallel()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	channel, other := p.channel(t, "GROUP"), p.channel(t, "GROUP")
	say := func(channel, what string) string {
		t.Helper()
		id, a, err := p.post(t.Context(), channel, what)
		if err != nil || id == "" {
			t.Fatal(err, a.status)
		}
		return id
	}
	say(channel, "before the last")
	first := say(channel, "the last")
	next, end := following(t, settings, "--json", "--limit", "1", "--channel", channel)
	read := func() (f toldLine) {
		t.Helper()
		if line := next(); json.Unmarshal([]byte(line), &f) != nil {
			t.Fatalf("no line of JSON: %s", line)
		}
		return f
	}
	if f := read(); f.Data.MessageID != first || f.Actor != "anonymous" || f.Type != "MessageSubmitted" || f.Correlation == "" || f.Causation == "" ||
		f.Position == "" || f.At.IsZero() || f.RecordedAt.IsZero() || f.Stream != "message-"+first {
		t.Fatalf("it began with %+v", f)
	}
	say(other, "elsewhere")
	second := say(channel, "said while it was followed")
	if f := read(); f.Data.MessageID != second || f.Data.Content != "said while it was followed" {
		t.Fatalf("it went on with %+v", f)
	}
	p.stop(t)
	p = spawn(t, settings...)
	third := say(channel, "said after a restart")
	if f := read(); f.Data.MessageID != third {
		t.Fatalf("after a restart it went on with %+v", f)
	}
	if err := end(); err != nil {
		t.Errorf("it ended with %v", err)
	}

	read4 := func(next func() string) (text string) {
		for range 3 { // what, who, and the data
			text += next() + "\n"
		}
		return text
	}
	next, end = following(t, settings, "--limit", "1", "--type", "MessageSubmitted")
	if text := read4(next); !strings.Contains(text, "said after a restart") || !strings.Contains(text, "by anonymous  because of ") {
		t.Errorf("people read %q", text)
	}
	p.must(t, 200, http.MethodPatch, "/api/messaging/messages/"+third, map[string]any{"content": "of another type"})
	say(other, "with \u009b31m in \u001b[31mred")
	if text := read4(next); !strings.Contains(text, "\uFFFD31m in") || strings.ContainsAny(text, "\u009b\u001b") {
		t.Errorf("people read %q", text)
	}
	if err := end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestTheTerminalTellsTheHistoryWithoutAServerAndFollowsNothingThatIsOver(t *testing.T) {
	t.Parallel()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	channel := p.channel(t, "GROUP")
	p.stop(t)
	next, end := following(t, settings, "--json", "--limit", "0", "--stream", "channel-"+channel)
	var f toldLine
	if line := next(); json.Unmarshal([]byte(line), &f) != nil || f.Type != "ChannelCreated" {
		t.Errorf("it told %s", line)
	}
	if err := end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestTheTerminalIsInterruptedWhileItReadsTheHistory(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + database}
	p := spawn(t, settings...)
	p.channel(t, "GROUP")
	holder, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close(context.WithoutCancel(t.Context())) }()
	var table string
	err = holder.QueryRow(t.Context(), `select oid::regclass::text from pg_class where relkind = 'r' and relname = 'history'`).Scan(&table)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(t.Context(), "begin; lock table "+table); err != nil {
		t.Fatal(err)
	}
	reading := func() (n int) {
		err := holder.QueryRow(t.Context(), `select count(*) from pg_locks where relation = $1::text::regclass and mode = 'AccessShareLock' and not granted`,
			table).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, how := range []struct {
		flag   string
		status int
		says   string
	}{{"--follow", 0, ""}, {"--json", 1, "annals: interrupted\n"}} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "history", how.flag)
		cmd.Env = append(append(os.Environ(), asAnnals+"=1", "LOG_LEVEL=error"), settings...)
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "it reads", func() bool { return reading() > 0 })
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if status := cmd.ProcessState.ExitCode(); status != how.status || said.String() != how.says {
			t.Errorf("%s: it ended with %d and says: %s", how.flag, status, &said)
		}
		eventually(t, time.Minute, "it reads no more", func() bool { return reading() == 0 })
	}
}
