package main

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
)

// canary is what must be nowhere once its author is erased.
const canary = "zanzibarcanary"

// tablesWith names the tables that hold a text, of whatever schema.
func tablesWith(t *testing.T, url, text string) (found []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(t.Context(), `select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables
where schemaname not in ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var holds bool
		if err := conn.QueryRow(t.Context(), "select exists (select from "+table+" as x where x::text ilike '%' || $1 || '%')", text).Scan(&holds); err != nil {
			t.Fatal(err)
		}
		if holds {
			found = append(found, table)
		}
	}
	return found
}

// filesWith names the files below a folder that hold a text.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), text) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAPersonIsErasedBesideARunningServerAndNothingOfWhatTheySaidIsLeft(t *testing.T) {
	t.Parallel()
	dir, url := t.TempDir(), pgtest.New(t)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + url}
	p := spawn(t, settings...)
	agent := p.runningAgent(t, "Eliza")
	channel := p.channel(t, "GROUP", agent)
	say := func(author, name, content string) (id, position string) {
		t.Helper()
		var said struct{ ID string }
		a := p.must(t, 201, http.MethodPost, "/api/messaging/central-channels/"+channel+"/messages?wait=reply", map[string]any{
			"author_id": author, "server_id": defaultServer, "content": content,
			"metadata": map[string]any{"user_display_name": name}, "raw_message": map[string]any{"text": content},
		})
		if err := a.data(&said); err != nil {
			t.Fatal(err)
		}
		return said.ID, a.header.Get("X-Annals-Position")
	}
	said, _ := say(somebody, "Ann "+canary, canary)
	p.must(t, 200, http.MethodPatch, "/api/messaging/messages/"+said, map[string]any{"content": canary + " again"})
	p.must(t, 201, http.MethodPost, "/api/agents/"+agent+"/memories", map[string]any{"text": "about " + canary, "entityId": somebody})
	bob := uuid.NewString()
	_, position := say(bob, "Bob", "the bystander")
	eventually(t, time.Minute, "the memory is found", func() bool {
		return strings.Contains(string(p.must(t, 200, http.MethodGet, "/api/memory/agents/"+agent+"/memories/search?q="+canary, nil).body), "about "+canary)
	})
	if out, err := annalsSays(t.Context(), settings, "rebuild", "--until", position, "--into", "audit"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(tablesWith(t, url, canary)) < 6 || len(filesWith(t, dir, canary)) > 0 {
		t.Errorf("before: %v, %v", tablesWith(t, url, canary), filesWith(t, dir, canary))
	}

	out, err := annalsSays(t.Context(), settings, "erase", somebody, "--dry-run")
	if err != nil || !strings.Contains(out, "would be destroyed") || !strings.Contains(out, "audit") || len(tablesWith(t, url, canary)) < 6 {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = annalsSays(t.Context(), settings, "erase", "Ann"); err == nil {
		t.Errorf("no id: %s", out)
	}
	if out, err = annalsSays(t.Context(), settings, "erase", somebody); err != nil || !strings.Contains(out, "erased what is of "+somebody) {
		t.Fatalf("%v: %s", err, out)
	}
	gone := func(when string) {
		t.Helper()
		for _, path := range []string{
			"/api/history/events?limit=1000", "/api/history/events?format=ndjson", "/api/history/messages/" + said, "/api/history/agents/" + agent,
			"/api/messaging/messages/" + said, "/api/messaging/central-channels/" + channel + "/messages", "/api/agents/" + agent + "/memories",
			"/api/memory/agents/" + agent + "/memories/search?q=" + canary, "/api/memory/agents/" + agent + "/memories/search?q=" + canary + "&mode=text",
			"/api/memory/agents/" + agent + "/export?format=ndjson&includeEmbedding=true", "/api/memory/agents/" + agent + "/insights",
			"/api/agents/" + agent + "/logs?count=1000", "/api/server/logs?limit=1000",
		} {
			if body := string(p.must(t, 200, http.MethodGet, path, nil).body); strings.Contains(body, canary) {
				t.Errorf("%s, %s: %s", when, path, body)
			}
		}
		if list := string(p.must(t, 200, http.MethodGet, "/api/messaging/central-channels/"+channel+"/messages", nil).body); !strings.Contains(list, "[erased]") || !strings.Contains(list, "the bystander") {
			t.Errorf("%s, the channel: %s", when, list)
		}
		if found := tablesWith(t, url, canary); len(found) > 0 {
			t.Errorf("%s it is in %v", when, found)
		}
		if found := filesWith(t, dir, canary); len(found) > 0 {
			t.Errorf("%s it is in %v", when, found)
		}
	}
	forgotten(t, p.client)
	gone("on the running server")
	told := string(p.must(t, 200, http.MethodGet, "/api/history/events?type=SubjectErased&entity="+somebody, nil).body)
	if !strings.Contains(told, `"actor":"cli"`) {
		t.Errorf("who erased it: %s", told)
	}

	// Whoever speaks again gets another key.
	say(somebody, "Ann", "said afterwards")
	p.stop(t)
	if out, err := annalsSays(t.Context(), settings, "rebuild", "--all"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	verified(t, "after an erasure", settings, nil)
	p = spawn(t, settings...)
	gone("after a rebuild")
	if list := string(p.must(t, 200, http.MethodGet, "/api/messaging/central-channels/"+channel+"/messages", nil).body); !strings.Contains(list, "said afterwards") {
		t.Errorf("what was said afterwards: %s", list)
	}
	p.stop(t)
	if out, err := annalsSays(t.Context(), settings, "erase", bob); err != nil {
		t.Fatalf("without a server: %v: %s", err, out)
	}
	if found := tablesWith(t, url, "the bystander"); len(found) > 0 {
		t.Errorf("without a server it is in %v", found)
	}
}

// forgotten waits until a server has let go of the key.
func forgotten(t *testing.T, c *client) {
	t.Helper()
	eventually(t, time.Minute, "the server lets go of the key", func() bool {
		return !strings.Contains(string(c.must(t, 200, http.MethodGet, "/api/history/events?limit=1000", nil).body), canary)
	})
}

func TestEveryNodeLetsGoOfAPersonWhoIsErased(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	n := startNodes(t, 2, url)
	channel := n.node(0).channel(t, "GROUP")
	_, a, err := n.node(0).post(t.Context(), channel, canary)
	if err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	list := func(i int) string {
		return string(n.node(i).must(t, 200, http.MethodGet, "/api/messaging/central-channels/"+channel+"/messages", nil, "X-Annals-After", a.header.Get("X-Annals-Position")).body)
	}
	for i := range 2 {
		if !strings.Contains(list(i), canary) {
			t.Errorf("node %d before: %s", i, list(i))
		}
	}
	if out, err := annalsSays(t.Context(), n.settings[1], "erase", somebody); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i := range 2 {
		forgotten(t, n.node(i))
		if strings.Contains(list(i), canary) || !strings.Contains(list(i), "[erased]") {
			t.Errorf("node %d after: %s", i, list(i))
		}
	}
	if found := tablesWith(t, url, canary); len(found) > 0 {
		t.Errorf("it is in %v", found)
	}
}
