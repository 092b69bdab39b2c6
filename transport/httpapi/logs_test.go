package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// happened runs a command and waits until what it led to can be read.
func happened[S commands.State[S], A any](s *fixture, cmd commands.Command[S, A]) {
	s.t.Helper()
	must(s.t, do(s.env, cmd))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(s.t, s.options.Frame.Waiter.Wait(ctx, frame.Core, s.head()))
}

// did records an entry of an agent's log.
func (s *fixture) did(agent, typ, body string) string {
	s.t.Helper()
	id := frame.NewID()
	by := uuid.MustParse(agent)
	happened(s, commands.RecordLog{LogRecorded: events.LogRecorded{
		LogID: id, AgentID: by, RoomID: by, EntityID: by, SubjectID: by, Type: typ, Body: json.RawMessage(body),
	}})
	return id.String()
}

func typesIn(a answered) (out []string) {
	a.t.Helper()
	var all []queries.Log
	a.is(200).data(&all)
	for _, l := range all {
		out = append(out, l.Type)
	}
	return out
}

func TestWhatAnAgentDidIsListedFilteredAndDeleted(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Eliza")
	path := "/api/agents/" + agent + "/logs"
	if got := typesIn(s.ask("GET", path, nil)); len(got) != 0 {
		t.Errorf("nothing done yet: %v", got)
	}
	s.did(agent, "useModel:TEXT_EMBEDDING", `{"modelType":"TEXT_EMBEDDING"}`)
	s.did(agent, "useModel:TEXT_LARGE", `{"modelType":"TEXT_LARGE","prompt":"Hello"}`)
	newest := s.did(agent, "error", `{"error":"it failed"}`)
	for query, want := range map[string][]string{
		"": {"error", "useModel:TEXT_LARGE", "useModel:TEXT_EMBEDDING"}, "?count=1": {"error"}, "?limit=1&offset=1": {"useModel:TEXT_LARGE"},
		"?count=0": nil, "?type=error": {"error"}, "?level=error": {"error"}, "?roomId=" + ann: nil,
		"?roomId=" + strings.ToUpper(agent) + "&count=1":                {"error"},
		"?excludeTypes=embedding,error":                                 {"useModel:TEXT_LARGE"},
		"?excludeTypes=error&excludeTypes=TEXT_LARGE":                   {"useModel:TEXT_EMBEDDING"},
		"?excludeTypes=error,%20text_large&excludeTypes=text_embedding": nil,
	} {
		if got := typesIn(s.ask("GET", path+query, nil)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, not %v", query, got, want)
		}
	}
	s.ask("GET", path+"?roomId=nope", nil).refused(400, problem.CodeInvalidID)
	s.ask("GET", path+"?count=x", nil).refused(400, problem.CodeInvalidRequest)
	s.ask("GET", path+"?offset=-1", nil).refused(400, problem.CodeInvalidRequest)
	s.ask("GET", "/api/agents/"+unknown+"/logs", nil).refused(404, problem.CodeNotFound)

	s.ask("DELETE", path+"/"+newest, nil).is(204)
	before := s.head()
	s.ask("DELETE", path+"/"+newest, nil).is(204)
	s.ask("DELETE", path+"/"+unknown, nil).is(204)
	s.ask("DELETE", path+"/nope", nil).refused(400, problem.CodeInvalidID)
	s.ask("DELETE", "/api/agents/"+unknown+"/logs/"+newest, nil).refused(404, problem.CodeNotFound)
	if s.head() != before {
		t.Error("what is not there was deleted")
	}
	s.ask("POST", "/api/agents/"+agent+"/stop", nil).is(200)
	if got := typesIn(s.ask("GET", path, nil)); len(got) != 2 {
		t.Errorf("of the stopped agent, after the deletion: %v", got)
	}
}

// event is a server-sent event.
type event struct{ name, id, data string }

// follows opens a stream and gives its events, one at a time.
func (s *fixture) follows(path string, headers ...string) (next func() event, leave func()) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r, err := http.NewRequestWithContext(ctx, "GET", s.url+path, nil)
	must(s.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := description().Transport(http.DefaultTransport, func(err error) { s.t.Error(err) }).RoundTrip(r)
	must(s.t, err)
	if typ := response.Header.Get("Content-Type"); response.StatusCode != 200 || !strings.HasPrefix(typ, "text/event-stream") {
		s.t.Fatalf("%s: %d %s", path, response.StatusCode, typ)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Scan() // : following
	next = func() (e event) {
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				e.data = value
			case "":
				if e.name != "" {
					return e
				}
			}
		}
		return e
	}
	leave = func() { cancel(); response.Body.Close() }
	s.t.Cleanup(leave)
	return next, leave
}

func TestWhatAnAgentDoesIsFollowedAndResumed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Eliza")
	path := "/api/agents/" + agent + "/logs/stream"
	s.did(agent, "old", `{}`)
	next, leave := s.follows(path)
	s.did(agent, "one", `{"a":1}`)
	first := next()
	if first.name != "log" || !strings.Contains(first.data, `"type":"one"`) || !strings.Contains(first.data, `"a":1`) {
		t.Errorf("first: %+v", first)
	}
	s.did(agent, "two", `{"error":"failed"}`)
	if e := next(); !strings.Contains(e.data, `"type":"two"`) || e.id == first.id {
		t.Errorf("second: %+v", e)
	}
	leave()
	s.did(agent, "three", `{}`)
	next, _ = s.follows(path, "Last-Event-ID", first.id)
	for _, want := range []string{"two", "three"} {
		if e := next(); !strings.Contains(e.data, `"type":"`+want+`"`) {
			t.Errorf("after coming back: %+v, not %s", e, want)
		}
	}
	for query, want := range map[string]string{"?level=error": "two", "?type=three": "three", "?agentName=Eliza": "two", "?agentName=all": "two"} {
		next, leave := s.follows(path+query, "Last-Event-ID", first.id)
		if e := next(); !strings.Contains(e.data, `"type":"`+want+`"`) {
			t.Errorf("%s: %+v", query, e)
		}
		leave()
	}
	s.ask("GET", path, nil, "Last-Event-ID", "5").refused(400, problem.CodeInvalidRequest)
	s.ask("GET", path+"?roomId=nope", nil).refused(400, problem.CodeInvalidID)
	s.ask("GET", "/api/agents/"+unknown+"/logs/stream", nil).refused(404, problem.CodeNotFound)
	s.ask("HEAD", path, nil).is(200)
}

func TestFollowingEndsWhenTheServerStops(t *testing.T) {
	t.Parallel()
	stopping, stop := context.WithCancel(context.Background())
	s := serve(t, func(o *Options) { o.Frame.Done = stopping })
	next, _ := s.follows("/api/server/logs/stream")
	stop()
	for e := next(); e.name != ""; e = next() {
	}
}

func TestTheServersLogIsSearchedFollowedAndCleared(t *testing.T) {
	t.Parallel()
	s := serve(t)
	next, leave := s.follows("/api/server/logs/stream?level=warn")
	log := s.options.Frame.Logger
	log.Info("all is well")
	log.Warn("something is odd", "agentName", "Eliza")
	log.Error("something is wrong")
	first := next()
	if !strings.Contains(first.data, `"msg":"something is odd"`) {
		t.Errorf("followed: %+v", first)
	}
	leave()
	next, _ = s.follows("/api/server/logs/stream?level=error", "Last-Event-ID", first.id)
	if e := next(); !strings.Contains(e.data, "something is wrong") {
		t.Errorf("after coming back: %+v", e)
	}
	s.ask("GET", "/api/server/logs/stream", nil, "Last-Event-ID", "x").refused(400, problem.CodeInvalidRequest)

	for _, method := range []string{"GET", "POST"} {
		var found struct {
			Logs                      []json.RawMessage
			Count                     int
			RequestedLevel, AgentName string
			Levels                    []string
		}
		s.ask(method, "/api/server/logs?level=WARN&limit=1", nil).is(200).data(&found)
		if found.Count != 1 || found.RequestedLevel != "warn" || found.AgentName != "all" || found.Levels[0] != "fatal" || len(found.Levels) != 9 ||
			!strings.Contains(string(found.Logs[0]), "something is odd") {
			t.Errorf("%s: %+v", method, found)
		}
	}
	s.ask("POST", "/api/server/logs", fields{"logs": []string{"ignored"}}).is(200)
	s.ask("GET", "/api/server/logs?agentId=all", nil).is(200)
	s.ask("GET", "/api/server/logs?agentId="+unknown, nil).is(200)
	s.ask("GET", "/api/server/logs?since=abc", nil).refused(400, problem.CodeInvalidRequest)
	s.ask("GET", "/api/server/logs?limit=-1", nil).refused(400, problem.CodeInvalidRequest)
	if got := s.ask("GET", "/api/server/logs?since=99999999999999", nil).is(200).at("count"); got != 0.0 {
		t.Errorf("from the future: %v", got)
	}
	if got := s.ask("GET", "/api/server/logs?level=", nil).is(200).at("requestedLevel"); got != "all" {
		t.Errorf("an empty level is %v", got)
	}
	s.ask("DELETE", "/api/server/logs", nil, "Origin", "http://localhost:1").refused(403, problem.CodeForbidden)
	s.ask("DELETE", "/api/server/logs", nil).is(200)
	if got := s.ask("GET", "/api/server/logs?level=warn", nil).is(200).at("count"); got != 0.0 {
		t.Errorf("after clearing: %v", got)
	}
}

func TestPanelsAreThoseOfARunningAgent(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Eliza")
	var panels []any
	s.ask("GET", "/api/agents/"+agent+"/panels", nil).is(200).data(&panels)
	if panels == nil || len(panels) > 0 {
		t.Errorf("panels: %v", panels)
	}
	s.ask("POST", "/api/agents/"+agent+"/stop", nil).is(200)
	s.ask("GET", "/api/agents/"+agent+"/panels", nil).refused(404, problem.CodeNotFound)
	s.ask("GET", "/api/agents/nope/panels", nil).refused(400, problem.CodeInvalidID)
}
