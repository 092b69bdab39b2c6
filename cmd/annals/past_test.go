package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

// annalsSays runs a command and gives what it wrote.
func annalsSays(ctx context.Context, settings []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), asAnnals+"=1", "LOG_LEVEL=error"), settings...)
	said, err := cmd.CombinedOutput()
	return string(said), err
}

// talked is a server in whose log something has happened; seen is what it answered at each step.
func talked(t *testing.T, settings []string) (p *process, channel string, watched []seen) {
	t.Helper()
	p = spawn(t, settings...)
	agent := p.runningAgent(t, "Eliza")
	channel = p.channel(t, "GROUP", agent)
	id, a, err := p.post(t.Context(), channel, "first")
	if err != nil || a.status != 201 {
		t.Fatal(err, a.status)
	}
	things := map[string]string{}
	for _, path := range []string{
		"/api/agents", "/api/agents/" + agent, "/api/messaging/messages/" + id, "/api/messaging/central-channels/" + channel + "/details",
	} {
		things[path] = path
	}
	step := func(what string, status int, method, path string, body any) {
		t.Helper()
		a := p.must(t, status, method, path, body)
		watched = append(watched, p.look(t, what, a.header.Get("X-Annals-Position"), things))
	}
	step("edited", 200, http.MethodPatch, "/api/messaging/messages/"+id, map[string]any{"content": "second"})
	step("stopped", 200, http.MethodPost, "/api/agents/"+agent+"/stop", map[string]any{})
	step("cleared", 204, http.MethodDelete, "/api/messaging/central-channels/"+channel+"/messages", nil)
	return p, channel, watched
}

func TestWhatWasIsBuiltFromTheStoreABackupOrAnExportAndServed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + pgtest.New(t)}
	p, channel, watched := talked(t, settings)
	log := filepath.Join(dir, "events")
	backup, export := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "log.ndjson")
	annals(t, "eventstore", "backup", "--data", log, backup)
	annals(t, "eventstore", "export", "--data", log, export)
	for i, from := range [][]string{nil, {"--from", backup}, {"--from", export}} {
		s := watched[i]
		schema := fmt.Sprintf("audit_%d", i)
		args := append([]string{"rebuild", "--until", s.position, "--into", schema}, from...)
		for range 2 { // the second finds it there
			if said, err := annalsSays(t.Context(), settings, args...); err != nil {
				t.Fatalf("%v: %v: %s", args, err, said)
			}
		}
		func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			past := serveThePast(ctx, t, settings, schema)
			for path, want := range s.views {
				var got any
				if a := past.must(t, map[bool]int{true: 404, false: 200}[want == nil], http.MethodGet, path, nil); want != nil {
					if err := a.data(&got); err != nil || text(got) != text(want) {
						t.Errorf("%s, %s: was %s, is shown as %s", s.step, path, text(want), a.body)
					}
				}
			}
			past.must(t, 405, http.MethodPost, "/api/agents", map[string]any{})
			past.must(t, 405, http.MethodDelete, "/api/messaging/central-channels/"+channel, nil)
			past.must(t, 404, http.MethodGet, "/ws", nil)
			past.must(t, 400, http.MethodGet, "/api/agents", nil, "X-Annals-After", s.position+"0000")
			past.must(t, 200, http.MethodGet, "/api/history/events?limit=3", nil)
			past.must(t, 200, http.MethodGet, "/api/server/health", nil)
		}()
	}
	if said, err := annalsSays(t.Context(), settings, "rebuild", "--until", watched[1].position, "--into", "audit_0"); err == nil {
		t.Errorf("another moment went into the same schema: %s", said)
	}
	for _, name := range []string{"public", "views_x", "agents_g1", "Audit", "annals"} {
		if said, err := annalsSays(t.Context(), settings, "rebuild", "--until", watched[1].position, "--into", name); err == nil {
			t.Errorf("%s was taken: %s", name, said)
		}
	}
	p.stop(t)
}

func serveThePast(ctx context.Context, t testing.TB, settings []string, schema string) *client {
	t.Helper()
	base, failed := make(chan string, 1), make(chan error, 1)
	c := node.Config{Listening: node.Listening{Host: "127.0.0.1"}, RateLimit: "off", Places: node.Places{LogLevel: "error"}}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		switch name {
		case "DATA_DIR":
			c.DataDir = value
		case "POSTGRES_URL":
			c.PostgresURL = value
		}
	}
	go func() {
		failed <- node.ServeAsOf(ctx, node.Options{Config: c}, schema, func(url string) { base <- url })
	}()
	select {
	case url := <-base:
		return newClient(url)
	case err := <-failed:
		t.Fatal(err)
	}
	return nil
}

func TestTheHistoryIsToldOnTheTerminal(t *testing.T) {
	t.Parallel()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p, channel, watched := talked(t, settings)
	beside, err := annalsSays(t.Context(), settings, "history", "--channel", channel, "--json", "--limit", "0")
	if err != nil || !strings.Contains(beside, watched[0].position) {
		t.Errorf("beside a server: %v: %s", err, beside)
	}
	p.stop(t)
	alone, err := annalsSays(t.Context(), settings, "history", "--channel", channel, "--json", "--limit", "0")
	if err != nil || !strings.HasPrefix(alone, beside) {
		t.Errorf("without one: %v: %s", err, alone)
	}
	for _, c := range []struct {
		args []string
		says string
		n    int
	}{
		{[]string{"--type", "ChannelCleared"}, "by anonymous", 1},
		{[]string{"--category", "agent", "--limit", "2"}, "AgentStopped", 2},
		{[]string{"--actor", "nobody"}, "", 0},
	} {
		said, err := annalsSays(t.Context(), settings, append([]string{"history"}, c.args...)...)
		if err != nil || !strings.Contains(said, c.says) || strings.Count(said, "    position ") != c.n {
			t.Errorf("%v: %v: %s", c.args, err, said)
		}
	}
}
