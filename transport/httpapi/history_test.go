package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// auditedFact is a fact as a client reads it.
type auditedFact struct {
	Position, Type, Stream, Actor string
	ID, Correlation, Causation    uuid.UUID
	Revision                      uint64
	Data                          map[string]any
}

type auditedPage struct {
	Events []auditedFact
	Next   string
}

func (s *fixture) history(query string) (p auditedPage) {
	s.T.Helper()
	s.Ask("GET", "/api/history/events"+query, nil, "X-Annals-After", s.now()).Is(http.StatusOK).Data(&p)
	return p
}

// now is the position of the newest fact, as clients send it. It can be read in the history: a request waits only for so long.
func (s *fixture) now() string {
	s.T.Helper()
	head := s.Head()
	s.Readable(head, frame.History)
	return s.API.TokenOf(head)
}

// talk makes an agent, a channel and a message, and gives their ids.
func (s *fixture) talk() (agent, channel, message string) {
	s.T.Helper()
	agent = s.Ask("POST", "/api/agents", `{"characterJson":{"name":"Eliza","bio":"A listener","settings":{"secrets":{"KEY":"plain"}}}}`).Is(http.StatusCreated).Text("id")
	channel = uuid.NewString()
	message = s.Ask("POST", "/api/messaging/central-channels/"+channel+"/messages", map[string]any{
		"server_id": "0", "author_id": uuid.NewString(), "content": "hello there", "metadata": map[string]any{"user_display_name": "Ann"},
	}).Is(http.StatusCreated).Text("id")
	return agent, channel, message
}

func TestTheHistoryTellsWhatHappenedWhoDidItAndWhy(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, channel, message := s.talk()
	s.Ask("PATCH", "/api/messaging/messages/"+message, `{"content":"hello again"}`).Is(http.StatusOK)

	told := s.history("?stream=message-" + message).Events
	if len(told) != 2 || told[0].Type != "MessageSubmitted" || told[1].Type != "MessageEdited" {
		t.Fatalf("the story of the message is %+v", told)
	}
	if told[0].Data["content"] != "hello there" || told[0].Data["authorName"] != "Ann" || told[0].Actor != "anonymous" {
		t.Errorf("the submission reads %+v", told[0])
	}
	if told[0].Causation == uuid.Nil || told[0].Correlation == told[1].Correlation {
		t.Errorf("causes and requests are not told apart: %+v", told)
	}
	request := s.history("?correlation=" + told[0].Correlation.String()).Events
	if len(request) != 2 || request[0].Type != "ChannelCreated" {
		t.Errorf("the request led to %+v", request)
	}
	if n := len(s.history("?channel=" + channel).Events); n != 3 {
		t.Errorf("%d facts concern the channel", n)
	}
	if made := s.history("?agent=" + agent + "&type=AgentCreated").Events; len(made) != 1 || strings.Contains(jsonText(made), "plain") {
		t.Errorf("the agent's beginning reads %+v", made)
	}
}

func TestTheHistoryIsReadInPagesBothWays(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.talk()
	var forwards, backwards []string
	for next := ""; ; {
		p := s.history("?limit=2&after=" + next)
		for _, e := range p.Events {
			forwards = append(forwards, e.Position)
		}
		if next = p.Next; next == "" {
			break
		}
	}
	for next := ""; ; {
		p := s.history("?limit=2&direction=backwards&before=" + next)
		for _, e := range p.Events {
			backwards = append([]string{e.Position}, backwards...)
		}
		if next = p.Next; next == "" {
			break
		}
	}
	if len(forwards) < 5 || strings.Join(forwards, " ") != strings.Join(backwards, " ") {
		t.Errorf("forwards %v, backwards %v", forwards, backwards)
	}
}

func TestTheHistoryIsExportedAsLines(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.talk()
	whole := s.history("").Events
	for _, a := range []answered{
		s.Ask("GET", "/api/history/events?format=ndjson", nil, "X-Annals-After", s.now()),
		s.Ask("GET", "/api/history/events", nil, "Accept", frame.NDJSON, "X-Annals-After", s.now()),
	} {
		if typ := a.Is(http.StatusOK).Header.Get("Content-Type"); typ != frame.NDJSON {
			t.Errorf("the lines are of type %q", typ)
		}
		lines := bytes.Split(bytes.TrimSpace(a.Body), []byte("\n"))
		if len(lines) != len(whole) {
			t.Fatalf("%d lines of %d facts", len(lines), len(whole))
		}
		for i, line := range lines {
			var e auditedFact
			must(t, json.Unmarshal(line, &e))
			if e.Position != whole[i].Position {
				t.Errorf("line %d is of %s, not %s", i, e.Position, whole[i].Position)
			}
		}
	}
	if n := bytes.Count(s.Ask("GET", "/api/history/events?format=ndjson&limit=2", nil).Body, []byte("\n")); n != 2 {
		t.Errorf("%d lines where 2 were asked for", n)
	}
}

func TestTheHistoryRefusesWhatItCannotFind(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, query := range []string{
		"agent=x", "channel=1", "entity=-", "correlation=x", "causation=x", "direction=up", "after=1", "before=x.1", "limit=-1",
		"after=" + uuid.NewString() + ".1", "from=yesterday", "to=x", "format=ndjson&limit=-1",
	} {
		s.Ask("GET", "/api/history/events?"+query, nil).Refused(http.StatusBadRequest, problem.CodeInvalidRequest)
	}
	if found := s.history("?stream=nothing").Events; found == nil || len(found) != 0 {
		t.Errorf("nothing was to be found: %v", found)
	}
}

func TestWithoutAKeyOnlyThisMachineReadsTheHistory(t *testing.T) {
	t.Parallel()
	open, keyed := serve(t), serve(t, func(o *httpapi.Options) { o.Frame.Key = "k" })
	open.Ask("GET", "/api/history/events", nil).Is(http.StatusOK)
	open.Ask("GET", "/api/history/events", nil, "Origin", open.URL).Is(http.StatusOK)
	open.Ask("GET", "/api/history/events", nil, "Origin", "http://localhost:1").Refused(http.StatusForbidden, problem.CodeForbidden)
	keyed.Ask("GET", "/api/history/events", nil).Refused(http.StatusUnauthorized, problem.CodeAuthRequired)
	keyed.Ask("GET", "/api/history/events", nil, "X-API-KEY", "k").Is(http.StatusOK)
}
