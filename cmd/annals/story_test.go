package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

// watcher is a WebSocket subscriber.
type watcher struct {
	conn *websocket.Conn
}

type pushed struct {
	Position string
	CaughtUp string
	Reset    string
	Error    *struct{ Code, Message string }
	Events   []struct {
		Position, Type, Stream string
		Data                   json.RawMessage
	}
}

// watch subscribes with this filter, and has caught up when it returns.
func (c *client) watch(t testing.TB, subscribe string) *watcher {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(c.base, "http")+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	w := &watcher{conn: conn}
	if err := conn.WriteMessage(websocket.TextMessage, []byte(subscribe)); err != nil {
		t.Fatal(err)
	}
	return w
}

// until reads frames until one is what is looked for.
func (w *watcher) until(t testing.TB, is func(pushed) bool) pushed {
	t.Helper()
	if err := w.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for {
		var p pushed
		if err := w.conn.ReadJSON(&p); err != nil {
			t.Fatalf("what was looked for never came: %v", err)
		}
		if p.Error != nil {
			t.Fatalf("refused: %+v", *p.Error)
		}
		if is(p) {
			return p
		}
	}
}

func caughtUp(p pushed) bool { return p.CaughtUp != "" }

func has(typ string) func(pushed) bool {
	return func(p pushed) bool {
		for _, e := range p.Events {
			if e.Type == typ {
				return true
			}
		}
		return false
	}
}

func TestGettingStartedOfTheAPIReferenceWorksAsWrittenAndSurvivesAKill(t *testing.T) {
	t.Parallel()
	settings := []string{
		"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t), "CHARACTERS_DIR=../../deploy/characters",
	}
	p := spawn(t, settings...)
	// The steps from the second on, word for word but for the port.
	shell := func(script string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(script, "http://localhost:3000", p.base)).Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		return string(out)
	}
	if out := shell(`curl -s http://localhost:3000/api/server/health`); !strings.Contains(out, `"status":"OK"`) {
		t.Fatalf("health: %s", out)
	}
	out := shell(`curl -s -X POST http://localhost:3000/api/agents \
      -H "Content-Type: application/json" \
      -d '{"characterPath": "./characters/example.json"}'`)
	agent := regexp.MustCompile(`"id":"([0-9a-f-]{36})"`).FindStringSubmatch(out)
	if agent == nil {
		t.Fatalf("no agent in %s", out)
	}
	out = shell(strings.ReplaceAll(`curl -s -X POST http://localhost:3000/api/agents/{agentId}/start`, "{agentId}", agent[1]))
	if !strings.Contains(out, `"status":"active"`) {
		t.Fatalf("start: %s", out)
	}

	channel := p.channel(t, "DM", agent[1])
	if _, a, err := p.post(t.Context(), channel, "I feel at home here.", "X-Request-Id", ""); err != nil || a.status != 201 {
		t.Fatalf("post: %v %d", err, a.status)
	}
	eventually(t, time.Minute, "the agent answers", func() bool { return len(p.messages(t, channel)) == 2 })
	before := p.messages(t, channel)

	p.kill()
	p = spawn(t, settings...)
	if after := p.messages(t, channel); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Fatalf("before the kill: %v, after: %v", before, after)
	}
	var detail struct{ Status string }
	if err := p.must(t, 200, http.MethodGet, "/api/agents/"+agent[1], nil).data(&detail); err != nil || detail.Status != "active" {
		t.Fatalf("the agent after the kill: %+v, %v", detail, err)
	}
	if code := p.stop(t); code != 0 {
		t.Errorf("exit status %d", code)
	}
}

func TestAnAnswerIsReadableWhenItIsWaitedForAndBeforeItIsPushed(t *testing.T) {
	t.Parallel()
	s := inside(t, nil)
	agent := s.runningAgent(t, "Listener")
	channel := s.channel(t, "DM", agent)
	w := s.watch(t, `{"subscribe":{"channels":["`+channel+`"],"types":["MessageSubmitted"]}}`)
	w.until(t, caughtUp)

	a := s.must(t, 201, http.MethodPost, "/api/messaging/central-channels/"+channel+"/messages?wait=reply", map[string]any{
		"author_id": somebody, "server_id": defaultServer, "content": "Hello",
	})
	var sent struct {
		ID      string
		Replies []message
	}
	if err := a.data(&sent); err != nil {
		t.Fatal(err)
	}
	if len(sent.Replies) != 1 || sent.Replies[0].InReplyTo != sent.ID || sent.Replies[0].AuthorID != agent {
		t.Fatalf("waited for: %s", a.body)
	}
	var seen []string
	w.until(t, func(p pushed) bool {
		for _, e := range p.Events {
			var m struct{ MessageID string }
			if err := json.Unmarshal(e.Data, &m); err != nil {
				t.Fatal(err)
			}
			seen = append(seen, m.MessageID)
			listed := s.messages(t, channel)
			if !slices.ContainsFunc(listed, func(l message) bool { return l.ID == m.MessageID }) {
				t.Errorf("%s was pushed and cannot be read", m.MessageID)
			}
		}
		return len(seen) == 2
	})
	if seen[0] != sent.ID || seen[1] != sent.Replies[0].ID {
		t.Errorf("pushed %v", seen)
	}
}

func TestAClientReadsItsOwnWrites(t *testing.T) {
	t.Parallel()
	s := inside(t, nil)
	channel := s.channel(t, "GROUP")
	for i := range 1000 {
		content := fmt.Sprintf("write %d", i)
		id, a, err := s.post(t.Context(), channel, content)
		if err != nil || id == "" {
			t.Fatalf("post %d: %v %s", i, err, a.body)
		}
		var page struct{ Messages []message }
		path := "/api/messaging/central-channels/" + channel + "/messages?limit=1"
		got := s.must(t, 200, http.MethodGet, path, nil, "X-Annals-After", a.header.Get("X-Annals-Position"))
		if err := got.data(&page); err != nil || len(page.Messages) != 1 || page.Messages[0].ID != id {
			t.Fatalf("write %d is not read: %v %s", i, err, got.body)
		}
	}
}

func TestASubscriberResumesWithoutGapOrRepeat(t *testing.T) {
	t.Parallel()
	s := inside(t, nil)
	channel := s.channel(t, "GROUP")
	filter := `"subscribe":{"channels":["` + channel + `"],"types":["MessageSubmitted"]}`
	w := s.watch(t, "{"+filter+"}")
	first := w.until(t, caughtUp)
	const n = 500
	posting, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range n {
			if id, _, err := s.post(posting, channel, fmt.Sprint(i)); err != nil || id == "" {
				return
			}
		}
	}()
	defer func() { cancel(); <-done }()
	var got []string
	after := first.CaughtUp
	for len(got) < n {
		cut := len(got) + 1 + len(got)%70 // disconnects again and again, at different places
		w.until(t, func(p pushed) bool {
			for _, e := range p.Events {
				var m struct{ Content string }
				if err := json.Unmarshal(e.Data, &m); err != nil {
					t.Fatal(err)
				}
				got = append(got, m.Content)
			}
			if p.Position != "" {
				after = p.Position
			}
			return len(got) >= min(cut, n)
		})
		_ = w.conn.Close()
		w = s.watch(t, `{`+filter+`,"after":"`+after+`"}`)
	}
	for i, content := range got {
		if content != fmt.Sprint(i) {
			t.Fatalf("number %d is %s", i, content)
		}
	}
}

func TestTwoServersRunSideBySideAndOneFolderServesOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one := inside(t, func(c *node.Config) { c.DataDir = dir })
	other := inside(t, nil)
	one.runningAgent(t, "Only here")
	if got := other.must(t, 200, http.MethodGet, "/api/agents", nil); strings.Contains(string(got.body), "Only here") {
		t.Errorf("the other server knows it: %s", got.body)
	}
	_, err := node.Start(t.Context(), node.Options{Config: node.Config{Places: node.Places{DataDir: dir}}})
	if err == nil || !strings.Contains(err.Error(), "is held by process") {
		t.Errorf("a second server on the same folder: %v", err)
	}
}

func TestAServerLeavesNothingBehind(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	dir := t.TempDir()
	s := inside(t, func(c *node.Config) { c.DataDir = dir })
	agent := s.runningAgent(t, "Fleeting")
	channel := s.channel(t, "DM", agent)
	w := s.watch(t, `{"subscribe":{}}`)
	w.until(t, caughtUp)
	if _, _, err := s.post(t.Context(), channel, "Hello"); err != nil {
		t.Fatal(err)
	}
	w.until(t, has("TurnCompleted"))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.conn.ReadMessage()
	for err == nil {
		_, _, err = w.conn.ReadMessage()
	}
	if closed := new(websocket.CloseError); !asClose(err, &closed) || !strings.Contains(closed.Text, "resume after") {
		t.Errorf("the socket was closed with %v", err)
	}
	_ = w.conn.Close()
	if _, err := os.Stat(filepath.Dir(node.SocketPath(mustAbs(t, dir)))); err == nil {
		t.Error("the folder of the event store's socket is still there")
	}
	goleak.VerifyNone(t, leaks)
}

func asClose(err error, to **websocket.CloseError) bool {
	c, ok := err.(*websocket.CloseError) //nolint:errorlint // the library returns it bare
	*to = c
	return ok
}

func mustAbs(t testing.TB, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func TestAStopAskedForOverRESTIsGraceful(t *testing.T) {
	t.Parallel()
	p := spawn(t, "SERVER_PORT=0", "DATA_DIR="+t.TempDir(), "POSTGRES_URL="+pgtest.New(t))
	p.must(t, 200, http.MethodPost, "/api/server/stop", nil)
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		t.Fatal("it did not stop")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d", code)
	}
}
