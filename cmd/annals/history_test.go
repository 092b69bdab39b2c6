package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
)

// seen is what the API answered at some moment, by path; nil where it was not found.
type seen struct {
	step     string
	position string
	at       time.Time
	views    map[string]any
}

// toldFact is a fact in a story.
type toldFact struct {
	Position, Type, Actor, Request string
	Changes                        []struct {
		Path          string
		Before, After any
	}
}

// look asks for each of the things, as the API shows it now.
func (c *client) look(t *testing.T, step, position string, things map[string]string) seen {
	t.Helper()
	s := seen{step: step, position: position, at: time.Now(), views: map[string]any{}}
	for history, path := range things {
		a, err := c.call(t.Context(), http.MethodGet, path, nil, "X-Annals-After", position)
		if err != nil {
			t.Fatal(err)
		}
		var view any
		if a.status != http.StatusNotFound {
			if err := a.data(&view); err != nil {
				t.Fatalf("%s, %s: %v", step, path, err)
			}
		}
		mask(view)
		s.views[history] = view
	}
	return s
}

// mask hides an agent's secrets as the history does.
func mask(view any) {
	agent, _ := view.(map[string]any)
	settings, _ := agent["settings"].(map[string]any)
	secrets, _ := settings["secrets"].(map[string]any)
	for name := range secrets {
		secrets[name] = "[secret]"
	}
}

// then asks for what was, and fails the test unless that is what was seen.
func (c *client) then(t *testing.T, s seen) {
	t.Helper()
	for history, want := range s.views {
		for _, asOf := range []string{s.position, s.at.UTC().Format(time.RFC3339Nano)} {
			var was struct {
				State  any
				Exists bool
				AsOf   string
			}
			a := c.must(t, 200, http.MethodGet, history+"?asOf="+url.QueryEscape(asOf), nil)
			if err := a.data(&was); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(was.State, want) || was.Exists != (want != nil) {
				t.Errorf("%s: %s as of %s\n was  %s\n then %s", s.step, history, asOf, text(want), a.body)
			}
		}
	}
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// everyStep fails the test unless the history has each of these types with these actors, and each fact names a cause: its
// request, or an earlier fact of the same request.
func (c *client) everyStep(t *testing.T, last string, want map[string]string) {
	t.Helper()
	var page struct {
		Events []struct{ ID, Type, Actor, Correlation, Causation, Request string }
	}
	if err := c.must(t, 200, http.MethodGet, "/api/history/events?limit=1000", nil, "X-Annals-After", last).data(&page); err != nil {
		t.Fatal(err)
	}
	of, actors := map[string]string{}, map[string]map[string]bool{} // correlation by fact, actors by type
	for _, e := range page.Events {
		cause, known := of[e.Causation]
		if e.Actor == "" || e.Correlation == "" || e.Causation != e.Request && (!known || cause != e.Correlation) {
			t.Errorf("who did it, or why, is not told: %+v", e)
		}
		of[e.ID] = e.Correlation
		if actors[e.Type] == nil {
			actors[e.Type] = map[string]bool{}
		}
		actors[e.Type][e.Actor] = true
	}
	for typ, who := range want {
		for _, actor := range strings.Fields(who) {
			if !actors[typ][actor] {
				t.Errorf("%s was done by %v, not by %s", typ, actors[typ], actor)
			}
		}
	}
}

func TestTheHistoryTellsAStoryAndShowsEachMomentAsItWas(t *testing.T) {
	t.Parallel()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	var made struct{ ID string }
	created := p.must(t, 201, http.MethodPost, "/api/agents", map[string]any{
		"characterJson": map[string]any{
			"name": "Eliza", "bio": []string{"She listens."}, "settings": map[string]any{"secrets": map[string]any{"KEY": "open sesame"}},
		},
	})
	if err := created.data(&made); err != nil {
		t.Fatal(err)
	}
	agent := made.ID
	p.must(t, 200, http.MethodPost, "/api/agents/"+agent+"/start", map[string]any{})
	channel := p.channel(t, "DM", agent)
	asked := p.must(t, 201, http.MethodPost, "/api/messaging/central-channels/"+channel+"/messages?wait=reply", map[string]any{
		"author_id": somebody, "server_id": defaultServer, "content": "I feel at home here.",
	})
	var message struct {
		ID      string
		Replies []struct{ ID string }
	}
	if err := asked.data(&message); err != nil || len(message.Replies) != 1 {
		t.Fatalf("%v: %s", err, asked.body)
	}
	things := map[string]string{
		"/api/history/agents/" + agent:        "/api/agents/" + agent,
		"/api/history/channels/" + channel:    "/api/messaging/central-channels/" + channel + "/details",
		"/api/history/messages/" + message.ID: "/api/messaging/messages/" + message.ID,
	}
	watched := []seen{p.look(t, "asked", asked.header.Get("X-Annals-Position"), things)}
	step := func(what string, status int, method, path string, body any) {
		t.Helper()
		a := p.must(t, status, method, path, body)
		watched = append(watched, p.look(t, what, a.header.Get("X-Annals-Position"), things))
	}
	step("edited", 200, http.MethodPatch, "/api/messaging/messages/"+message.ID, map[string]any{"content": "I feel at home."})
	step("renamed", 200, http.MethodPatch, "/api/messaging/central-channels/"+channel, map[string]any{"name": "home"})
	step("changed", 200, http.MethodPatch, "/api/agents/"+agent, map[string]any{"bio": []string{"She listens well."}})
	second, a, err := p.post(t.Context(), channel, "Said by mistake.")
	if err != nil || a.status != 201 {
		t.Fatal(err, a.status)
	}
	things["/api/history/messages/"+second] = "/api/messaging/messages/" + second
	step("took back", 204, http.MethodDelete, "/api/messaging/central-channels/"+channel+"/messages/"+second, nil)
	step("cleared", 204, http.MethodDelete, "/api/messaging/central-channels/"+channel+"/messages", nil)
	p.kill()
	p = spawn(t, settings...)
	step("stopped", 200, http.MethodPost, "/api/agents/"+agent+"/stop", map[string]any{})
	step("deleted", 204, http.MethodDelete, "/api/agents/"+agent, nil)
	for _, s := range watched {
		p.then(t, s)
	}

	last := watched[len(watched)-1].position
	p.everyStep(t, last, map[string]string{
		"AgentCreated": "anonymous", "AgentStarted": "anonymous", "ChannelCreated": "anonymous", "MessageSubmitted": "anonymous agent:" + agent,
		"MessageEdited": "anonymous", "ChannelUpdated": "anonymous", "AgentUpdated": "anonymous", "MessageDeleted": "anonymous",
		"ChannelCleared": "anonymous", "AgentStopped": "anonymous", "AgentDeleted": "anonymous", "TurnCompleted": "agent:" + agent,
		"MemoryStored": "agent:" + agent,
	})
	types := func(path string) (found []string, facts []toldFact) {
		var story struct{ Events []toldFact }
		if err := p.must(t, 200, http.MethodGet, path, nil, "X-Annals-After", last).data(&story); err != nil {
			t.Fatal(err)
		}
		for _, e := range story.Events {
			found = append(found, e.Type)
		}
		return found, story.Events
	}
	found, facts := types("/api/history/messages/" + message.ID)
	if want := []string{"MessageSubmitted", "MessageEdited", "ChannelCleared"}; !reflect.DeepEqual(found, want) {
		t.Fatalf("the message's story is %v", found)
	}
	for _, ch := range facts[1].Changes {
		if ch.Path == "/content" && (ch.Before != "I feel at home here." || ch.After != "I feel at home.") {
			t.Errorf("the edit changed %+v", ch)
		}
	}
	if facts[0].Actor != "anonymous" || facts[0].Request == "" || len(facts[1].Changes) == 0 || facts[2].Changes[0].After != nil {
		t.Errorf("the message's story is %+v", facts)
	}
	if found, _ = types("/api/history/agents/" + agent); !reflect.DeepEqual(found, []string{
		"AgentCreated", "AgentStarted", "AgentUpdated", "AgentStopped", "AgentDeleted",
	}) {
		t.Errorf("the agent's story is %v", found)
	}
	p.must(t, 404, http.MethodGet, "/api/history/agents/"+channel, nil)
	p.must(t, 400, http.MethodGet, "/api/history/agents/"+agent+"?asOf=once", nil)

	// How the answer came about.
	var why struct {
		Reply  toldFact
		Turn   struct{ ReplyID, Model string }
		Calls  []struct{ Type string }
		Causes []toldFact
	}
	if err := p.must(t, 200, http.MethodGet, "/api/history/messages/"+message.Replies[0].ID+"/why", nil).data(&why); err != nil {
		t.Fatal(err)
	}
	if why.Turn.ReplyID != message.Replies[0].ID || why.Turn.Model == "" || len(why.Calls) == 0 || len(why.Causes) != 1 ||
		why.Causes[0].Position != facts[0].Position || why.Reply.Actor != "agent:"+agent {
		t.Errorf("the answer came about so: %+v", why)
	}
	p.must(t, 404, http.MethodGet, "/api/history/messages/"+message.ID+"/why", nil)

	// What the request caused, down to the agent's answer.
	submitted := facts[0]
	var one struct {
		Events []struct{ Correlation string }
	}
	if err := p.must(t, 200, http.MethodGet, "/api/history/events?type=MessageSubmitted&limit=1&stream=message-"+message.ID, nil).data(&one); err != nil {
		t.Fatal(err)
	}
	type node struct {
		Type, Position string
		Caused         []node
	}
	var tree struct{ Tree []node }
	if err := p.must(t, 200, http.MethodGet, "/api/history/correlations/"+one.Events[0].Correlation, nil).data(&tree); err != nil {
		t.Fatal(err)
	}
	var caused []string
	for _, root := range tree.Tree {
		if root.Position == submitted.Position {
			for _, n := range root.Caused {
				caused = append(caused, n.Type)
			}
		}
	}
	answered := false
	for _, typ := range caused {
		answered = answered || typ == "TurnCompleted"
	}
	if !answered {
		t.Errorf("the message led to %v", caused)
	}
}
