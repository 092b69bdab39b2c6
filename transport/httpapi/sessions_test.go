package httpapi_test

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
)

const sessions = "/api/messaging/sessions"

// movedClock is a clock that a test moves.
type movedClock struct{ at atomic.Int64 }

func (m *movedClock) now() time.Time        { return time.UnixMilli(m.at.Load()).UTC() }
func (m *movedClock) move(by time.Duration) { m.at.Add(by.Milliseconds()) }

// serveAt starts a server whose clock the test moves.
func serveAt(t *testing.T) (*fixture, *movedClock) {
	t.Helper()
	clock := &movedClock{}
	clock.at.Store(time.Date(2020, 12, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	return serve(t, func(o *httpapi.Options) { o.Frame.Clock = clock.now }), clock
}

// openSession opens a session with an agent and returns its path.
func (s *fixture) openSession(agent string, more fields) string {
	s.T.Helper()
	body := fields{"agentId": agent, "userId": ann}
	for k, v := range more {
		body[k] = v
	}
	return sessions + "/" + s.Ask("POST", sessions, body).Is(201).Text("sessionId")
}

func TestASessionGoesOnWhileItIsUsedAndEndsAfterwards(t *testing.T) {
	t.Parallel()
	s, clock := serveAt(t)
	path := s.openSession(s.newAgent("Listener"), fields{"metadata": fields{"platform": "web"}})
	is := func(what, expires, active string, renewals float64) {
		t.Helper()
		got := s.Ask("GET", path, nil).Is(200)
		if got.Text("expiresAt") != expires || got.Text("lastActivity") != active || got.Field("renewalCount") != renewals || got.Field("metadata.platform") != "web" {
			t.Errorf("%s: %s", what, got.Body)
		}
	}
	is("new", "2020-12-01T12:30:00.000Z", "2020-12-01T12:00:00.000Z", 0)
	clock.move(20 * time.Minute)
	posted := s.Ask("POST", path+"/messages", fields{"content": "still here", "metadata": fields{"k": "v"}}).Is(201)
	if posted.Field("sessionStatus.renewalCount") != 1.0 || posted.Field("sessionStatus.expiresAt") != "2020-12-01T12:50:00.000Z" || posted.Field("sessionStatus.wasRenewed") != true ||
		posted.Field("userMessage.metadata.platform") != "web" || posted.Field("userMessage.metadata.k") != "v" || posted.Field("userMessage.metadata.sessionId") != path[len(sessions)+1:] {
		t.Errorf("posted: %s", posted.Body)
	}
	is("after a message", "2020-12-01T12:50:00.000Z", "2020-12-01T12:20:00.000Z", 1)
	clock.move(20 * time.Minute)
	s.Ask("POST", path+"/heartbeat", nil).Is(200)
	is("after a heartbeat", "2020-12-01T13:10:00.000Z", "2020-12-01T12:40:00.000Z", 2)
	changed := s.Ask("PATCH", path+"/timeout", fields{"timeoutMinutes": 60, "autoRenew": false}).Is(200)
	if changed.Text("expiresAt") != "2020-12-01T13:00:00.000Z" || changed.Field("timeoutConfig.autoRenew") != false {
		t.Errorf("changed: %s", changed.Body)
	}
	s.Ask("POST", path+"/heartbeat", nil).Is(200)
	is("without renewing", "2020-12-01T13:00:00.000Z", "2020-12-01T12:40:00.000Z", 2)
	if renewed := s.Ask("POST", path+"/renew", nil).Is(200); renewed.Text("expiresAt") != "2020-12-01T13:40:00.000Z" || renewed.Field("timeRemaining") != 3_600_000.0 {
		t.Errorf("renewed: %s", renewed.Body)
	}
	clock.move(time.Hour)
	for _, ask := range []struct{ method, path string }{
		{"GET", ""}, {"GET", "/messages"}, {"POST", "/messages"}, {"POST", "/renew"}, {"POST", "/heartbeat"}, {"PATCH", "/timeout"},
	} {
		got := s.Ask(ask.method, path+ask.path, bodyOf(ask.method, ask.path)).Refused(410, problem.CodeSessionExpired)
		if !strings.HasSuffix(got.Field("error.message").(string), "' expired at 2020-12-01T13:40:00.000Z") || got.Field("error.timestamp") == nil {
			t.Errorf("%s %s: %s", ask.method, ask.path, got.Body)
		}
	}
	if listed := s.Ask("GET", sessions, nil).Is(200); listed.Field("total") != 0.0 || listed.Field("stats.expiredSessions") != 1.0 {
		t.Errorf("listed: %s", listed.Body)
	}
	clock.move(24 * time.Hour)
	s.Ask("GET", path, nil).Refused(404, problem.CodeNoSession)
	s.Ask("POST", path+"/heartbeat", nil).Refused(404, problem.CodeNoSession)
}

func bodyOf(method, path string) any {
	switch {
	case path == "/messages" && method == "POST":
		return fields{"content": "late"}
	case method == "PATCH":
		return fields{}
	}
	return nil
}

func TestTheTimeOfASessionIsWhatServerAgentAndClientWant(t *testing.T) {
	t.Parallel()
	s := serve(t)
	plain := s.newAgent("Plain")
	own := s.Ask("POST", "/api/agents", fields{"characterJson": fields{"name": "Own", "bio": "b", "settings": fields{
		"SESSION_TIMEOUT_MINUTES": 7, "SESSION_MAX_DURATION_MINUTES": "90", "SESSION_WARNING_THRESHOLD_MINUTES": "3", "SESSION_AUTO_RENEW": "false",
	}}}).Is(201).Text("id")
	s.Ask("POST", "/api/agents/"+own+"/start", nil).Is(200)
	for _, c := range []struct {
		agent  string
		wanted any
		is     string
	}{
		{plain, nil, `{"timeoutMinutes":30,"autoRenew":true,"maxDurationMinutes":720,"warningThresholdMinutes":5}`},
		{plain, fields{"timeoutMinutes": 10, "autoRenew": false, "maxDurationMinutes": 60, "warningThresholdMinutes": 2}, `{"timeoutMinutes":10,"autoRenew":false,"maxDurationMinutes":60,"warningThresholdMinutes":2}`},
		{plain, fields{"timeoutMinutes": 0.01, "maxDurationMinutes": 1, "warningThresholdMinutes": 0}, `{"timeoutMinutes":5,"autoRenew":true,"maxDurationMinutes":5,"warningThresholdMinutes":1}`},
		{plain, fields{"timeoutMinutes": 99999, "maxDurationMinutes": 99999, "warningThresholdMinutes": 99999}, `{"timeoutMinutes":1440,"autoRenew":true,"maxDurationMinutes":2880,"warningThresholdMinutes":99999}`},
		{plain, fields{"timeoutMinutes": "15", "maxDurationMinutes": "abc", "extra": 1}, `{"timeoutMinutes":15,"autoRenew":true,"maxDurationMinutes":720,"warningThresholdMinutes":5}`},
		{plain, "x", `{"timeoutMinutes":30,"autoRenew":true,"maxDurationMinutes":720,"warningThresholdMinutes":5}`},
		{own, nil, `{"timeoutMinutes":7,"autoRenew":false,"maxDurationMinutes":90,"warningThresholdMinutes":3}`},
		{own, fields{"timeoutMinutes": 20, "autoRenew": true}, `{"timeoutMinutes":20,"autoRenew":true,"maxDurationMinutes":90,"warningThresholdMinutes":3}`},
	} {
		made := s.Ask("POST", sessions, fields{"agentId": c.agent, "userId": ann, "timeoutConfig": c.wanted}).Is(201)
		if !strings.Contains(string(made.Body), `"timeoutConfig":`+c.is) {
			t.Errorf("%v: %s", c.wanted, made.Body)
		}
	}
	path := s.openSession(plain, nil)
	for wanted, message := range map[string]string{
		`{"timeoutMinutes":1}`:        "Invalid timeout configuration: Timeout must be between 5 and 1440 minutes",
		`{"timeoutMinutes":[1]}`:      "Invalid timeout configuration: Invalid timeout configuration format",
		`{"autoRenew":"true"}`:        "Invalid timeout configuration: Invalid timeout configuration format",
		`{"maxDurationMinutes":null}`: "Invalid timeout configuration: Invalid timeout configuration format",
	} {
		if got := s.Ask("PATCH", path+"/timeout", wanted).Refused(400, problem.CodeValidation); got.Field("error.message") != message {
			t.Errorf("%s: %s", wanted, got.Body)
		}
	}
	if got := s.Ask("PATCH", path+"/timeout", `{"timeoutMinutes":"abc"}`).Is(200); got.Field("timeoutConfig.timeoutMinutes") != 30.0 {
		t.Errorf("unreadable: %s", got.Body)
	}
}

func TestWhatMakesNoSessionAndNoMessageIsRefusedAsRecorded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Strict")
	stopped := s.newAgent("Stopped")
	s.Ask("POST", "/api/agents/"+stopped+"/stop", nil).Is(200)
	path := s.openSession(agent, nil)
	const absent = "99999999-9999-4999-8999-999999999999"
	big := fields{"a": strings.Repeat("x", 11_000)}
	s.untouched(func() {
		for _, c := range []struct {
			path    string
			body    any
			status  int
			code    string
			message string
		}{
			{sessions, fields{"agentId": agent}, 400, problem.CodeValidation, "Missing required fields: agentId, userId"},
			{sessions, fields{"agentId": "nope", "userId": ann}, 400, problem.CodeValidation, "Invalid UUID format for field 'agentId'"},
			{sessions, fields{"agentId": absent, "userId": ann}, 404, problem.CodeNoAgent, "Agent with ID '" + absent + "' not found"},
			{sessions, fields{"agentId": stopped, "userId": ann}, 404, problem.CodeNoAgent, "Agent with ID '" + stopped + "' not found"},
			{sessions, fields{"agentId": agent, "userId": ann, "metadata": big}, 400, problem.CodeValidation, "Invalid metadata: Metadata exceeds maximum size of 10240 bytes"},
			{path + "/messages", fields{}, 400, problem.CodeValidation, "Invalid content: Invalid message request format"},
			{path + "/messages", fields{"content": 5}, 400, problem.CodeValidation, "Invalid content: Invalid message request format"},
			{path + "/messages", fields{"content": " "}, 400, problem.CodeValidation, "Invalid content: Content cannot be empty"},
			{path + "/messages", fields{"content": strings.Repeat("é", 4001)}, 400, problem.CodeValidation, "Invalid content: Content exceeds maximum length of 4000 characters"},
			{path + "/messages", fields{"content": "x", "transport": "x"}, 400, problem.CodeValidation, `Invalid content: Invalid transport "x". Must be one of: http, sse, websocket, sync, stream`},
			{path + "/messages", fields{"content": "x", "metadata": big}, 400, problem.CodeValidation, "Invalid metadata: Metadata exceeds maximum size of 10240 bytes"},
			{sessions + "/" + absent + "/messages", fields{"content": "x"}, 404, problem.CodeNoSession, "Session with ID '" + absent + "' not found"},
			{path + "/messages", fields{"content": "x", "transport": 5}, 400, problem.CodeValidation, `Invalid content: Invalid transport type "number". Transport must be a string.`},
			{sessions + "/any-text/messages", fields{"content": "x"}, 404, problem.CodeNoSession, "Session with ID 'any-text' not found"},
			{sessions + "/any-text/messages", fields{"content": "x", "mode": "x"}, 400, problem.CodeValidation, `Invalid content: Invalid transport "x". Must be one of: http, sse, websocket, sync, stream`},
			{sessions + "/any-text/heartbeat", nil, 404, problem.CodeNoSession, "Session with ID 'any-text' not found"},
			{sessions + "/" + absent + "/renew", nil, 404, problem.CodeNoSession, "Session with ID '" + absent + "' not found"},
		} {
			if got := s.Ask("POST", c.path, c.body).Refused(c.status, c.code); got.Field("error.message") != c.message {
				t.Errorf("%v: %s", c.body, got.Body)
			}
		}
		for _, method := range []string{"GET", "DELETE"} {
			s.Ask(method, sessions+"/any-text", nil).Refused(404, problem.CodeNoSession)
		}
		if got := s.Ask("POST", sessions, fields{"agentId": "nope", "userId": ann}); got.Field("error.details.providedValue") != "nope" {
			t.Errorf("which value: %s", got.Body)
		}
		if got := s.Ask("PATCH", path+"/timeout", `{"timeoutMinutes":1}`); got.Field("error.details.providedConfig.timeoutMinutes") != 1.0 {
			t.Errorf("which timeout: %s", got.Body)
		}
		for query, reason := range map[string]string{"before=abc": "Must be a valid timestamp", "after=99999999999999999": "Invalid date from timestamp"} {
			name, _, _ := strings.Cut(query, "=")
			got := s.Ask("GET", path+"/messages?"+query, nil).Refused(400, problem.CodeValidation)
			if got.Field("error.message") != "Invalid pagination parameter '"+name+"': "+reason {
				t.Errorf("%s: %s", query, got.Body)
			}
		}
	})
}

func TestTheMessagesOfASessionAreListedInPages(t *testing.T) {
	t.Parallel()
	s, clock := serveAt(t)
	path := s.openSession(s.newAgent("Scribe"), nil)
	if empty := s.Ask("GET", path+"/messages", nil).Is(200); string(empty.Body) != `{"success":true,"data":{"messages":[],"hasMore":false},"messages":[],"hasMore":false}` {
		t.Errorf("empty: %s", empty.Body)
	}
	began := clock.now().UnixMilli()
	for i := range 5 {
		clock.move(time.Second)
		s.Ask("POST", path+"/messages", fields{"content": strconv.Itoa(i)}).Is(201)
	}
	at := func(i int) string { return strconv.FormatInt(began+int64(i)*1000, 10) }
	for query, want := range map[string]string{
		"": "43210", "limit=2": "43", "limit=0": "4", "limit=many": "43210", "limit=1000": "43210", "before=" + at(3): "10", "after=" + at(1) + "&limit=2": "21",
		"after=" + at(1) + "&before=" + at(5) + "&limit=2": "32",
	} {
		got, said := s.Ask("GET", path+"/messages?"+query, nil).Is(200), ""
		for _, m := range got.Field("messages").([]any) {
			said += m.(fields)["content"].(string)
		}
		if limited := strings.Contains(query, "limit=2") || query == "limit=0"; said != want || got.Field("hasMore") != limited {
			t.Errorf("%s: %s: %s", query, said, got.Body)
		}
	}
}

func TestARepeatedMessageUsesItsSessionOnce(t *testing.T) {
	t.Parallel()
	s, clock := serveAt(t)
	path := s.openSession(s.newAgent("Once"), nil)
	ask := func() answered {
		return s.Ask("POST", path+"/messages", fields{"content": "once"}, "Idempotency-Key", "k").Is(201)
	}
	first := ask()
	s.Ask("POST", path+"/heartbeat", nil).Is(200)
	if again := ask(); again.Field("userMessage.id") != first.Field("userMessage.id") || again.Field("sessionStatus.renewalCount") != 2.0 {
		t.Errorf("again: %s", again.Body)
	}
	clock.move(time.Hour)
	if late := ask(); late.Field("userMessage.id") != first.Field("userMessage.id") {
		t.Errorf("after the end: %s", late.Body)
	}
	one, other := s.openAgain(), s.openAgain()
	if one.Field("sessionId") != other.Field("sessionId") || one.Field("expiresAt") != other.Field("expiresAt") {
		t.Errorf("opened again: %s %s", one.Body, other.Body)
	}
}

func TestAMessageOfASessionSaysOfWhichItIs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Named")
	for what, metadata := range map[string]any{"with metadata": fields{"platform": "web", "sessionId": "mine"}, "without": nil} {
		path := s.openSession(agent, fields{"metadata": metadata})
		is := s.Ask("POST", path+"/messages", fields{"content": "x", "metadata": fields{"k": "v"}}).Is(201)
		at := func(name string) any { return is.Field("userMessage.metadata." + name) }
		if at("sessionId") != path[len(sessions)+1:] || at("agentId") != agent || at("userId") != ann || at("timeoutConfig.timeoutMinutes") != 30.0 || at("k") != "v" {
			t.Errorf("%s: %s", what, is.Body)
		}
		if metadata != nil && at("platform") != "web" {
			t.Errorf("%s: %s", what, is.Body)
		}
	}
}

func TestAMessageOfASessionThatItsClientNamesIsTheSameAgain(t *testing.T) {
	t.Parallel()
	s := serve(t)
	path := s.openSession(s.newAgent("Named"), nil)
	say := func(content string) answered {
		return s.Ask("POST", path+"/messages", fields{"content": content, "messageId": "77777777-7777-4777-8777-777777777777"}).Is(201)
	}
	first := say("once")
	s.untouched(func() {
		if again := say("once"); again.Field("userMessage.id") != first.Field("userMessage.id") || again.Field("sessionStatus.renewalCount") != 1.0 {
			t.Errorf("%s, then %s", first.Body, again.Body)
		}
	})
	if other := say("another text"); other.Field("userMessage.id") == first.Field("userMessage.id") {
		t.Errorf("another text is the same message: %s", other.Body)
	}
}

func (s *fixture) openAgain() answered {
	return s.Ask("POST", sessions, fields{"agentId": s.Ask("GET", "/api/agents", nil).Field("data.agents.0.id"), "userId": ann}, "Idempotency-Key", "s").Is(201)
}

func TestTheStoryOfASessionTellsItsEnd(t *testing.T) {
	t.Parallel()
	s, clock := serveAt(t)
	path := s.openSession(s.newAgent("Historian"), nil)
	s.Ask("POST", path+"/heartbeat", nil).Is(200)
	s.Ask("POST", path+"/renew", nil).Is(200)
	s.Ask("PATCH", path+"/timeout", fields{"timeoutMinutes": 6}).Is(200)
	clock.move(time.Hour)
	id, err := events.ParseID(path[len(sessions)+1:])
	must(t, err)
	must(t, httpapitest.Do(s.Env, commands.ExpireSession{SessionID: id})) // the clock of the wall is not that of the test
	s.Ask("DELETE", path, nil).Is(200)
	s.Ask("DELETE", path, nil).Refused(404, problem.CodeNoSession)
	s.CaughtUp()
	told, types := s.Ask("GET", "/api/history/sessions/"+id.String(), nil).Is(200), ""
	for _, e := range told.Field("data.events").([]any) {
		types += " " + e.(fields)["type"].(string)
	}
	if types != " SessionCreated SessionUsed SessionRenewed SessionTimeoutChanged SessionExpired SessionDeleted" || told.Field("data.state") != nil {
		t.Errorf("%s: %s", types, told.Body)
	}
}
