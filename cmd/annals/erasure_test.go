package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/deploy/postgres/pgtest"
)

// Destroying a person's key takes what that person said out of everything that is told of the past; that it was said, by
// whom, when and why, stays.
func TestWhatAPersonSaidIsErasedFromThePastAndNothingBreaks(t *testing.T) {
	t.Parallel()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	agent := p.runningAgent(t, "Eliza")
	channel := p.channel(t, "DM", agent)
	const secret = "my private wish"
	var said struct {
		ID      string
		Replies []struct{ ID string }
	}
	a := p.must(t, 201, http.MethodPost, "/api/messaging/central-channels/"+channel+"/messages?wait=reply", map[string]any{
		"author_id": somebody, "server_id": defaultServer, "content": secret, "metadata": map[string]any{"user_display_name": "Private Ann"},
	})
	if err := a.data(&said); err != nil || len(said.Replies) != 1 {
		t.Fatalf("%v: %s", err, a.body)
	}
	edited := p.must(t, 200, http.MethodPatch, "/api/messaging/messages/"+said.ID, map[string]any{"content": secret + " again"}).header.Get("X-Annals-Position")
	p.stop(t)
	if said, err := annalsSays(t.Context(), settings, "erase", somebody); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	// The log is as it was: what is sealed in it was never changed.
	verified(t, "after an erasure", settings, []string{"--no-rows"})
	if said, err := annalsSays(t.Context(), settings, "rebuild", "--all"); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	verified(t, "built anew", settings, nil)
	p = spawn(t, settings...)

	erased := func(c *client, path string, headers ...string) string {
		t.Helper()
		text := string(c.must(t, 200, http.MethodGet, path, nil, append([]string{"X-Annals-After", edited}, headers...)...).body)
		if strings.Contains(text, secret) || strings.Contains(text, "Private Ann") || !strings.Contains(text, "[erased]") {
			t.Errorf("%s: %s", path, text)
		}
		return text
	}
	for _, path := range []string{
		"/api/history/events?limit=1000", "/api/history/events?format=ndjson", "/api/history/events?entity=" + somebody, "/api/history/messages/" + said.ID,
		"/api/history/messages/" + said.ID + "?asOf=" + url.QueryEscape(edited), "/api/history/messages/" + said.Replies[0].ID + "/why",
		"/api/messaging/messages/" + said.ID, "/api/messaging/central-channels/" + channel + "/messages",
	} {
		erased(p.client, path)
	}
	told := erased(p.client, "/api/history/messages/"+said.ID)
	for _, still := range []string{"MessageSubmitted", "MessageEdited", `"actor":"anonymous"`, somebody} {
		if !strings.Contains(told, still) {
			t.Errorf("%s is gone, too: %s", still, told)
		}
	}
	for _, path := range []string{
		"/api/history/correlations/" + uuid.NewString(), "/api/memory/agents/" + agent + "/memories/search?q=wish", "/api/memory/agents/" + agent + "/memories",
		"/api/memory/agents/" + agent + "/export?format=ndjson", "/api/memory/agents/" + agent + "/insights", "/api/agents/" + agent + "/logs",
	} {
		if a := p.answers(t, http.MethodGet, path); strings.Contains(string(a.body), secret) {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	if said, err := annalsSays(t.Context(), settings, "history", "--entity", somebody, "--limit", "0"); err != nil || strings.Contains(said, secret) || !strings.Contains(said, "[erased]") {
		t.Errorf("%v: %s", err, said)
	}
	if said, err := annalsSays(t.Context(), settings, "rebuild", "--until", edited, "--into", "audit"); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	erased(serveThePast(ctx, t, settings, "audit"), "/api/messaging/central-channels/"+channel+"/messages")

	// Whoever speaks again gets another key; what was erased stays erased.
	if _, a, err := p.post(t.Context(), channel, "said afterwards"); err != nil || a.status != 201 {
		t.Fatal(err, a.status)
	}
	if text := erased(p.client, "/api/messaging/central-channels/"+channel+"/messages"); !strings.Contains(text, "said afterwards") {
		t.Errorf("%s", text)
	}
	p.stop(t)
	verified(t, "at the end", settings, nil)
}
