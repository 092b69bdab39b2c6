package main

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/deploy/postgres/pgtest"
)

// describedRoutes are the methods of every path in the API's description, and those that go on for ever.
func (c *client) describedRoutes(t *testing.T) (routes map[string][]string, endless []string) {
	t.Helper()
	var description struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct{ Content map[string]any }
		}
	}
	if err := json.Unmarshal(c.must(t, 200, http.MethodGet, "/api/openapi.json", nil).body, &description); err != nil {
		t.Fatal(err)
	}
	routes = map[string][]string{}
	for path, methods := range description.Paths {
		for method, operation := range methods {
			routes[path] = append(routes[path], strings.ToUpper(method))
			for _, r := range operation.Responses {
				if _, ok := r.Content["text/event-stream"]; ok {
					endless = append(endless, path)
				}
			}
		}
	}
	return routes, endless
}

// begins asks for an answer that has no end, and gives its status.
func (c *client) begins(t *testing.T, path string) int {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.http.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestOfThePastEveryRouteIsServedAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	agent := p.runningAgent(t, "Eliza")
	channel := p.channel(t, "DM", agent)
	var said struct{ ID string }
	a := p.must(t, 201, http.MethodPost, "/api/messaging/central-channels/"+channel+"/messages?wait=reply", map[string]any{
		"author_id": somebody, "server_id": defaultServer, "content": "I feel at home here.",
	})
	if err := a.data(&said); err != nil {
		t.Fatal(err)
	}
	var memory struct{ ID, RoomID string }
	a = p.must(t, 201, http.MethodPost, "/api/memory/"+agent+"/memories", map[string]any{"text": "home is where the heart is"})
	if err := a.data(&memory); err != nil {
		t.Fatal(err)
	}
	if s, err := annalsSays(t.Context(), settings, "rebuild", "--until", a.header.Get("X-Annals-Position"), "--into", "audit"); err != nil {
		t.Fatalf("%v: %s", err, s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	past := serveThePast(ctx, t, settings, "audit")
	routes, endless := past.describedRoutes(t)
	names := regexp.MustCompile(`\{(\w+)\}`)
	known := func(path string) func(string) string {
		return func(name string) string {
			switch {
			case strings.Contains(path, "/channels/{") || name == "{channelId}":
				return channel
			case strings.Contains(path, "history/messages") || name == "{messageId}":
				return said.ID
			case strings.Contains(path, "history/memories") || name == "{memoryId}":
				return memory.ID
			case strings.Contains(path, "correlations"):
				return uuid.NewString()
			case name == "{roomId}":
				return memory.RoomID
			case strings.Contains(path, "{serverId}") && name == "{serverId}":
				return defaultServer
			}
			return agent
		}
	}
	found, asked := 0, 0
	for path, methods := range routes {
		real := names.ReplaceAllStringFunc(path, known(path))
		if strings.HasSuffix(path, "/search") {
			real += "?q=home"
		}
		for _, method := range methods {
			if method == http.MethodPost && slices.Contains([]string{"/api/messaging/messages/search", "/api/server/logs", "/api/history/head", "/mcp"}, path) {
				continue // which ask
			}
			if method != http.MethodGet {
				past.refuses(t, method, real)
				continue
			}
			if slices.Contains(endless, path) {
				if status := past.begins(t, real); status >= 500 {
					t.Errorf("%s begins with %d", real, status)
				}
				continue
			}
			asked++
			for _, one := range []string{real, names.ReplaceAllString(path, uuid.NewString())} {
				got := past.answers(t, http.MethodGet, one)
				if head := past.answers(t, http.MethodHead, one); head.status != got.status || len(head.body) > 0 {
					t.Errorf("HEAD %s: %d, and GET: %d", one, head.status, got.status)
				}
				if one == real && got.status == 200 {
					found++
				}
			}
		}
	}
	if asked < 60 || found < asked*3/4 {
		t.Errorf("of %d routes %d have something to show", asked, found)
	}
	for _, path := range []string{"/", "/api", "/api/docs", "/metrics", "/dashboard/app.js", "/media/uploads/agents/x/y.png", "/ws", "/socket.io/?EIO=4&transport=polling"} {
		past.answers(t, http.MethodGet, path)
	}
	past.must(t, 404, http.MethodGet, "/api/agents/"+uuid.NewString(), nil)
	for path, body := range map[string]map[string]any{
		"/api/messaging/messages/search": {"query": "home"}, "/api/server/logs": {"limit": 1},
	} {
		if a := past.must(t, 200, http.MethodPost, path, body); path != "/api/server/logs" && !strings.Contains(string(a.body), said.ID) {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	if a := past.must(t, 200, http.MethodGet, "/api/memory/agents/"+agent+"/rooms/"+memory.RoomID+"/memories", nil); !strings.Contains(string(a.body), memory.ID) {
		t.Errorf("the room's memories: %s", a.body)
	}
}

// answers fails the test if the server is at a loss, or refuses otherwise than in the envelope.
func (c *client) answers(t *testing.T, method, path string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	a, err := c.call(ctx, method, path, nil)
	if err != nil || a.status >= 500 || a.status == http.StatusMethodNotAllowed {
		t.Errorf("%s %s: %v: %d %s", method, path, err, a.status, a.body)
	}
	if a.status >= 400 && method != http.MethodHead {
		inEnvelope(t, method+" "+path, a)
	}
	return a
}

// refuses fails the test unless nothing can be written there.
func (c *client) refuses(t *testing.T, method, path string) {
	t.Helper()
	a, err := c.call(t.Context(), method, path, map[string]any{})
	if err != nil || a.status != http.StatusMethodNotAllowed || !strings.Contains(a.header.Get("Allow"), "GET") || !strings.Contains(string(a.body), "shows what was") {
		t.Errorf("%s %s: %v: %d %s", method, path, err, a.status, a.body)
	}
	inEnvelope(t, method+" "+path, a)
}

func inEnvelope(t *testing.T, what string, a answer) {
	t.Helper()
	var e struct {
		Success *bool
		Error   struct{ Code, Message string }
	}
	if err := json.Unmarshal(a.body, &e); err != nil || e.Success == nil || *e.Success || e.Error.Code == "" || e.Error.Message == "" {
		t.Errorf("%s: %d %s", what, a.status, a.body)
	}
}
