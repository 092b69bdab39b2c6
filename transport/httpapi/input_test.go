package httpapi_test

import (
	"bytes"
	"net/http"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/mcp"
	"annals/transport/problem"
)

// address fills the parameters of a path.
func address(path, id string) string {
	return routeParameter.ReplaceAllStringFunc(path, func(string) string { return id })
}

// untouched fails the test when what it does leaves a fact behind.
func (s *fixture) untouched(f func()) {
	s.T.Helper()
	before := s.Head()
	f()
	if after := s.Head(); after != before {
		s.T.Errorf("the log grew from %d to %d", before, after)
	}
}

func isClientError(t *testing.T, a answered) {
	t.Helper()
	if a.Status < 400 || a.Status > 499 {
		t.Errorf("%s: status %d: %.200s", a.What, a.Status, a.Body)
		return
	}
	a.Refused(a.Status, errorCode(a))
}

func errorCode(a answered) string {
	_, rest, _ := bytes.Cut(a.Body, []byte(`"code":"`))
	code, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(code)
}

// ignoresBodies is a route that takes any JSON for none, as recorded.
const ignoresBodies = "/api/server/logs"

func TestABodyThatIsNoneIsRefusedByEveryRoute(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("There") // an id that exists, so that nothing is refused for another reason
	bodies := map[string]string{
		"malformed": `{"name":`, "trailing": `{} {}`, "an array": `[1]`, "a text": `"x"`, "a number": `5`, "not UTF-8": "{\"name\":\"\xff\"}",
		"NUL": `{"name":"a\u0000b","content":"\u0000","x":"\u0000"}`, "deep": strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
		"large": `{"x":"` + strings.Repeat("a", frame.MaxBody) + `"}`,
	}
	s.untouched(func() {
		for _, r := range httpapi.Routes() {
			if r.Method != http.MethodPost && r.Method != http.MethodPatch || r.Path == socketIO || r.Path == mcp.Path || r.Path == ignoresBodies || strings.HasSuffix(r.Path, "/import") { // which tells of each line by itself
				continue
			}
			path := address(r.Path, agent)
			for name, body := range bodies {
				if got := s.Ask(r.Method, path, body); got.Status < 400 || got.Status > 499 {
					t.Errorf("%s %s, %s: status %d: %s", r.Method, path, name, got.Status, got.Body)
				} else {
					isClientError(t, got)
				}
			}
			if other := s.Ask(r.Method, path, "hello", "Content-Type", "text/plain"); strings.HasPrefix(path, "/api/media/") {
				other.Refused(400, problem.CodeInvalidRequest) // as recorded
			} else {
				other.Refused(400, problem.CodeContentType)
			}
			isClientError(t, s.Ask(r.Method, path, "a=b", "Content-Type", "application/x-www-form-urlencoded"))
		}
	})
}

// anyText is how paths answer in which any text is taken for an id: those of what ElizaOS 1.7.2 keeps in memory, under whatever name.
func anyText(path string) (code string) {
	switch {
	case strings.HasPrefix(path, sessions+"/"):
		return problem.CodeNoSession
	case strings.HasPrefix(path, jobs+"/"):
		return problem.CodeNotFound
	}
	return ""
}

func TestAnIDThatIsNoneIsRefusedByEveryRoute(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.untouched(func() {
		for _, r := range httpapi.Routes() {
			if !strings.Contains(r.Path, ":") || strings.Contains(r.Path, ":file") {
				continue
			}
			for _, id := range []string{"nope", "{" + ann + "}", strings.ReplaceAll(ann, "-", ""), "%00", ann + "0"} {
				code := problem.CodeInvalidID
				if id == "%00" {
					code = problem.CodeInvalidRequest // no text at all
				}
				got := s.Ask(r.Method, address(r.Path, id), fields{"agentId": ann, "content": "x"})
				if thing := anyText(r.Path); thing != "" && id != "%00" {
					got.Refused(404, thing)
				} else {
					got.Refused(400, code)
				}
			}
		}
	})
}

func TestWhatABodyNamesThatIsUnknownIsNotFound(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.untouched(func() {
		for _, r := range []struct {
			path string
			body fields
		}{
			{"/api/messaging/servers/0/agents", fields{"agentId": unknown}},
			{"/api/messaging/channels", fields{"serverId": unknown, "name": "x", "type": "GROUP"}},
			{"/api/messaging/central-channels", fields{"server_id": unknown, "name": "x", "participantCentralUserIds": []string{}}},
			{"/api/messaging/central-channels/:x/messages", fields{"server_id": unknown, "author_id": ann, "content": "x"}},
			{"/api/messaging/central-channels/:x/messages", fields{"server_id": "0", "author_id": ann, "content": "x", "in_reply_to_message_id": unknown}},
			{"/api/messaging/submit", fields{"channel_id": unknown, "server_id": "0", "author_id": ann, "content": "x", "source_type": "s", "raw_message": fields{}}},
		} {
			s.Ask("POST", address(r.path, unknown), r.body).Refused(404, problem.CodeNotFound)
		}
	})
}

func TestWhatTheRecordedServerTakesForNothingIsTakenForNothing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Ask("POST", chat+"/messages", "\ufeff"+`{"author_id":"`+ann+`","content":"with a byte order mark","server_id":"0"}`).Is(201)
	for _, none := range []any{nil, "", false, 0} {
		said := fields{"channel_id": path.Base(chat), "server_id": "0", "author_id": ann, "content": "x", "source_type": "s", "raw_message": fields{}, "in_reply_to_message_id": none}
		if got := s.Ask("POST", "/api/messaging/submit", said).Is(201); got.At("inReplyToRootMessageId") != nil {
			t.Errorf("in reply to %v: %s", none, got.Body)
		}
	}
}

func TestWhatIsMissingOrOfTheWrongTypeIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("There")
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Is(201)
	message := func(change ...any) fields {
		m := fields{"author_id": ann, "content": "x", "server_id": "0"}
		for i := 0; i < len(change); i += 2 {
			m[change[i].(string)] = change[i+1]
		}
		return m
	}
	fresh := address("/api/messaging/central-channels/:x/messages", unknown) // a refused message makes no channel
	huge := strings.Repeat("x", events.MaxSize)
	s.untouched(func() {
		for _, path := range []string{chat + "/messages", fresh} {
			for _, body := range []any{
				fields{},
				message("content", ""), message("content", nil), message("content", fields{"text": "x"}), message("content", []int{1}),
				message("content", true), message("author_id", "x"), message("author_id", 5), message("server_id", "nope"), message("metadata", "x"),
				message("metadata", []int{}), `{"author_id":"` + ann + `","content":"x","server_id":"0","metadata":{"n":1e999}}`,
			} {
				s.Ask("POST", path, body).Refused(400, problem.CodeInvalidRequest)
			}
			s.Ask("POST", path, message("content", huge)).Refused(413, problem.CodeTooLarge)
		}
		for path, bodies := range map[string][]any{
			"/api/messaging/servers":          {fields{}, fields{"name": "x"}, fields{"name": fields{}, "sourceType": "t"}, fields{"name": "x", "sourceType": "t", "metadata": 5}},
			"/api/messaging/channels":         {fields{}, fields{"serverId": "0"}, fields{"serverId": "0", "name": "x"}, fields{"serverId": "x", "name": "x", "type": "t"}},
			"/api/messaging/central-channels": {fields{}, fields{"name": "x", "server_id": "0"}, fields{"name": "x", "server_id": "0", "participantCentralUserIds": []string{"x"}}, fields{"name": "x", "server_id": "0", "participantCentralUserIds": "x"}},
			"/api/messaging/submit":           {fields{}, message("channel_id", ann), message("channel_id", ann, "source_type", "s", "raw_message", "")},
			"/api/messaging/complete":         {fields{}, fields{"channel_id": "x", "server_id": "0"}},
			"/api/messaging/ingest-external":  {fields{}, fields{"channel_id": ann}},
			"/api/messaging/servers/0/agents": {fields{}, fields{"agentId": "x"}, fields{"agentId": 5}},
			chat + "/agents":                  {fields{}, fields{"agentId": "x"}},
		} {
			for _, body := range bodies {
				s.Ask("POST", path, body).Refused(400, problem.CodeInvalidRequest)
			}
		}
		for _, body := range []any{
			fields{},
			fields{"characterJson": "x"},
			fields{"characterJson": fields{}},
			fields{"characterJson": fields{"name": "", "bio": ""}},
			fields{"characterJson": fields{"name": "x", "bio": 5}},
			fields{"agent": fields{"name": "x", "bio": "b", "zzz": 1}},
			fields{"characterPath": "nope"},
			fields{"characterPath": "../../../../etc/passwd"},
			fields{"characterPath": "http://127.0.0.1/x"},
		} {
			s.Ask("POST", "/api/agents", body).Refused(400, problem.CodeCreate)
		}
		s.Ask("PATCH", "/api/agents/"+agent, fields{"name": nil}).Refused(400, problem.CodeInvalidRequest)
		s.Ask("PATCH", "/api/agents/"+agent, "null").Refused(400, problem.CodeInvalidRequest)
		s.Ask("PATCH", chat, fields{"participantCentralUserIds": []string{"x"}}).Refused(400, problem.CodeInvalidRequest)
		s.Ask("PATCH", chat, fields{"name": fields{}}).Refused(400, problem.CodeInvalidRequest)
		for _, query := range []string{"limit=-1", "limit=abc", "limit=99999999999999999999", "before=abc", "before=99999999999999999", "after=x"} {
			s.Ask("GET", chat+"/messages?"+query, nil).Refused(400, problem.CodeInvalidRequest)
		}
	})
	s.Ask("GET", chat+"/messages?limit=1000000", nil).Is(200)
}

func TestWhatJSONLeavesOpenIsSettledOnTheWayIn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	posted := s.Ask("POST", chat+"/messages", `{"author_id":"`+strings.ToUpper("aaaaaaaa-0000-4000-8000-00000000000b")+`","server_id":0,
		"content":"first","content":"lone \ud800 here, pair \ud83d\ude00, \\ud800","metadata":{"a":1,"a":2,"b":{"c":1,"\u0063":3}}}`).Is(201)
	if got := posted.Text("content"); got != "lone \ufffd here, pair \U0001F600, \\ud800" {
		t.Errorf("content: %q", got)
	}
	if posted.At("metadata.a") != 2.0 || posted.At("metadata.b.c") != 3.0 || bytes.Count(posted.Body, []byte(`"a":`)) != 2 { // of the data and of the userMessage
		t.Errorf("metadata: %s", posted.Body)
	}
	if got := posted.Text("author_id"); got != "aaaaaaaa-0000-4000-8000-00000000000b" {
		t.Errorf("author: %s", got)
	}
}

func TestAByteOrderMarkIsSkippedInImports(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	const line = `{"type":"memory","data":{"content":{"text":"remembered"}}}` + "\n"
	for body, typ := range map[string]string{
		"\ufeff" + `{"name":"Mnemosyne","memories":[{"content":{"text":"of a document"}}]}`: "application/json",
		"\ufeff" + line: "application/x-ndjson", "\ufeff" + line + line: "application/json",
	} {
		s.Ask("POST", "/api/memory/agents/"+agent+"/import", body, "Content-Type", typ).Is(200)
	}
}

// A date, or a number of seconds, is never taken for a moment in 1970.
func TestATimeIsTakenAsWhatItMeansOrRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "today", "server_id": "0"}).Is(201)
	today := time.Now().UTC()
	yesterday, tomorrow := today.AddDate(0, 0, -1), today.AddDate(0, 0, 2)
	for _, form := range []func(time.Time) string{
		func(at time.Time) string { return at.Format(time.DateOnly) },
		func(at time.Time) string { return at.Format(time.RFC3339) },
		func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) },
		func(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) },
	} {
		for query, n := range map[string]int{
			"before=" + form(yesterday): 0, "before=" + form(tomorrow): 1, "after=" + form(yesterday): 1, "after=" + form(tomorrow): 0,
		} {
			if got := s.Ask("GET", chat+"/messages?"+query, nil).Is(200); len(got.At("messages").([]any)) != n {
				t.Errorf("%s: %s", query, got.Body)
			}
		}
	}
	for _, bad := range []string{"20261130", "2026", "2026-11", "30.11.2026", "2026-11-31", "-5", "-1796000000", "1969-12-31", "0001-01-01T00:00:00Z"} {
		for _, query := range []string{chat + "/messages?before=" + bad, "/api/history/events?from=" + bad, "/api/server/logs?since=" + bad} {
			s.Ask("GET", query, nil).Refused(400, problem.CodeInvalidRequest)
		}
	}
}
