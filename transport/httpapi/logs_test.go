package httpapi_test

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
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
)

// happened runs a command and waits until what it led to can be read.
func happened[S commands.State[S], A any](s *fixture, cmd commands.Command[S, A]) {
	s.T.Helper()
	must(s.T, httpapitest.Do(s.Env, cmd))
	s.Readable(s.Head(), frame.Core)
}

// did records an entry of an agent's log.
func (s *fixture) did(agent, typ, body string) string {
	s.T.Helper()
	id := frame.NewID()
	by := uuid.MustParse(agent)
	happened(s, commands.RecordLog{LogRecorded: events.LogRecorded{
		LogID: id, AgentID: by, RoomID: by, EntityID: by, SubjectID: by, Type: typ, Body: json.RawMessage(body),
	}})
	return id.String()
}

func typesIn(a answered) (out []string) {
	a.T.Helper()
	var all []queries.Log
	a.Is(200).Data(&all)
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
	if got := typesIn(s.Ask("GET", path, nil)); len(got) != 0 {
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
		if got := typesIn(s.Ask("GET", path+query, nil)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, not %v", query, got, want)
		}
	}
	s.Ask("GET", path+"?roomId=nope", nil).Refused(400, problem.CodeInvalidID)
	s.Ask("GET", path+"?count=x", nil).Refused(400, problem.CodeInvalidRequest)
	s.Ask("GET", path+"?offset=-1", nil).Refused(400, problem.CodeInvalidRequest)
	s.Ask("GET", "/api/agents/"+unknown+"/logs", nil).Refused(404, problem.CodeNotFound)

	s.Ask("DELETE", path+"/"+newest, nil).Is(204)
	before := s.Head()
	s.Ask("DELETE", path+"/"+newest, nil).Is(204)
	s.Ask("DELETE", path+"/"+unknown, nil).Is(204)
	s.Ask("DELETE", path+"/nope", nil).Refused(400, problem.CodeInvalidID)
	s.Ask("DELETE", "/api/agents/"+unknown+"/logs/"+newest, nil).Refused(404, problem.CodeNotFound)
	if s.Head() != before {
		t.Error("what is not there was deleted")
	}
	s.Ask("POST", "/api/agents/"+agent+"/stop", nil).Is(200)
	if got := typesIn(s.Ask("GET", path, nil)); len(got) != 2 {
		t.Errorf("of the stopped agent, after the deletion: %v", got)
	}
}

// event is a server-sent event.
type event struct{ name, id, data string }

// follows opens a stream and gives its events, one at a time.
func (s *fixture) follows(path string, headers ...string) (next func() event, leave func()) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+path, nil)
	must(s.T, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := httpapitest.Described().Transport(http.DefaultTransport, func(err error) { s.T.Error(err) }).RoundTrip(r)
	must(s.T, err)
	if typ := response.Header.Get("Content-Type"); response.StatusCode != 200 || !strings.HasPrefix(typ, "text/event-stream") {
		s.T.Fatalf("%s: %d %s", path, response.StatusCode, typ)
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
	s.T.Cleanup(leave)
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
	s.Ask("GET", path, nil, "Last-Event-ID", "5").Refused(400, problem.CodeInvalidRequest)
	s.Ask("GET", path+"?roomId=nope", nil).Refused(400, problem.CodeInvalidID)
	s.Ask("GET", "/api/agents/"+unknown+"/logs/stream", nil).Refused(404, problem.CodeNotFound)
	s.Ask("HEAD", path, nil).Is(200)
}

func TestFollowingEndsWhenTheServerStops(t *testing.T) {
	t.Parallel()
	stopping, stop := context.WithCancel(context.Background())
	s := serve(t, func(o *httpapi.Options) { o.Frame.Done = stopping })
	next, _ := s.follows("/api/server/logs/stream")
	stop()
	for e := next(); e.name != ""; e = next() {
	}
}

func TestTheServersLogIsSearchedFollowedAndCleared(t *testing.T) {
	t.Parallel()
	s := serve(t)
	next, leave := s.follows("/api/server/logs/stream?level=warn")
	log := s.Options.Frame.Logger
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
	s.Ask("GET", "/api/server/logs/stream", nil, "Last-Event-ID", "x").Refused(400, problem.CodeInvalidRequest)

	for _, method := range []string{"GET", "POST"} {
		var found struct {
			Logs                      []json.RawMessage
			Count                     int
			RequestedLevel, AgentName string
			Levels                    []string
		}
		s.Ask(method, "/api/server/logs?level=WARN&limit=1", nil).Is(200).Data(&found)
		if found.Count != 1 || found.RequestedLevel != "warn" || found.AgentName != "all" || found.Levels[0] != "fatal" || len(found.Levels) != 9 ||
			!strings.Contains(string(found.Logs[0]), "something is odd") {
			t.Errorf("%s: %+v", method, found)
		}
	}
	s.Ask("POST", "/api/server/logs", fields{"logs": []string{"ignored"}}).Is(200)
	s.Ask("GET", "/api/server/logs?agentId=all", nil).Is(200)
	s.Ask("GET", "/api/server/logs?agentId="+unknown, nil).Is(200)
	s.Ask("GET", "/api/server/logs?since=abc", nil).Refused(400, problem.CodeInvalidRequest)
	s.Ask("GET", "/api/server/logs?limit=-1", nil).Refused(400, problem.CodeInvalidRequest)
	if got := s.Ask("GET", "/api/server/logs?since=99999999999999", nil).Is(200).At("count"); got != 0.0 {
		t.Errorf("from the future: %v", got)
	}
	if got := s.Ask("GET", "/api/server/logs?level=", nil).Is(200).At("requestedLevel"); got != "all" {
		t.Errorf("an empty level is %v", got)
	}
	s.Ask("DELETE", "/api/server/logs", nil, "Origin", "http://localhost:1").Refused(403, problem.CodeForbidden)
	s.Ask("DELETE", "/api/server/logs", nil).Is(200)
	if got := s.Ask("GET", "/api/server/logs?level=warn", nil).Is(200).At("count"); got != 0.0 {
		t.Errorf("after clearing: %v", got)
	}
}

func TestPanelsAreThoseOfARunningAgent(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Eliza")
	var panels []any
	s.Ask("GET", "/api/agents/"+agent+"/panels", nil).Is(200).Data(&panels)
	if panels == nil || len(panels) > 0 {
		t.Errorf("panels: %v", panels)
	}
	s.Ask("POST", "/api/agents/"+agent+"/stop", nil).Is(200)
	s.Ask("GET", "/api/agents/"+agent+"/panels", nil).Refused(404, problem.CodeNotFound)
	s.Ask("GET", "/api/agents/nope/panels", nil).Refused(400, problem.CodeInvalidID)
}
