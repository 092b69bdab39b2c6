package main

import (
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/transport/models/openai/openaitest"
)

func TestAStoppingServerFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	model := openaitest.Start(t, openaitest.Script{Delay: 2 * time.Second})
	s := inside(t, func(c *node.Config) { c.OpenAI.BaseURL = model.URL })
	channel := s.channel(t, "DM", s.runningAgent(t, "Last Words"))
	type outcome struct {
		answer
		err error
	}
	answered := make(chan outcome, 1)
	go func() {
		a, err := s.call(t.Context(), http.MethodPost, "/api/messaging/central-channels/"+channel+"/messages?wait=reply", map[string]any{
			"author_id": somebody, "server_id": defaultServer, "content": "Say something before you go.",
		})
		answered <- outcome{a, err}
	}()
	eventually(t, time.Minute, "the model is asked", func() bool { return len(model.Requests()) > 0 })
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	got := <-answered
	var sent struct{ Replies []message }
	if got.err != nil || got.status != http.StatusCreated {
		t.Fatalf("%d %s: %v", got.status, got.body, got.err)
	}
	if err := got.data(&sent); err != nil || len(sent.Replies) != 1 {
		t.Errorf("%v: %s", err, got.body)
	}
	if _, err := s.call(t.Context(), http.MethodGet, "/api/server/ping", nil); err == nil {
		t.Error("a stopped server answers")
	}
}

func TestEverySignalThatAsksForAnEndStopsGracefully(t *testing.T) {
	t.Parallel()
	all := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}
	if !signal.Ignored(syscall.SIGHUP) { // the tests may have been started with nohup themselves
		all = append(all, syscall.SIGHUP)
	}
	for _, signal := range all {
		p := spawn(t, "SERVER_PORT=0", "DATA_DIR="+t.TempDir(), "POSTGRES_URL="+pgtest.New(t))
		w := p.watch(t, `{"subscribe":{}}`)
		w.until(t, caughtUp)
		if status := p.stopBy(t, signal); status != 0 {
			t.Errorf("%v: exit status %d", signal, status)
		}
		_, _, err := w.conn.ReadMessage()
		for err == nil {
			_, _, err = w.conn.ReadMessage()
		}
		if closed := new(websocket.CloseError); !asClose(err, &closed) || !strings.Contains(closed.Text, "resume after") {
			t.Errorf("%v: the socket was closed with %v", signal, err)
		}
		_ = w.conn.Close()
	}
}

func TestAServerThatWasStartedWithNohupOutlivesItsTerminal(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "nohup")
	// Another process writes it: a file that this one has open for writing is busy until every child that began meanwhile has started.
	install := exec.CommandContext(t.Context(), "install", "-m", "700", "/dev/stdin", script)
	install.Stdin = strings.NewReader("#!/bin/sh\ntrap '' HUP\nexec '" + os.Args[0] + "' \"$@\"\n")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := spawnBuild(t, script, "SERVER_PORT=0", "DATA_DIR="+t.TempDir(), "POSTGRES_URL="+pgtest.New(t))
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.channel(t, "GROUP")
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
}
