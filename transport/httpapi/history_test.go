package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

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
	s.t.Helper()
	s.ask("GET", "/api/history/events"+query, nil, "X-Annals-After", s.now()).is(http.StatusOK).data(&p)
	return p
}

// now is the position of the newest fact, as clients send it. It can be read in the history: a request waits only for so long.
func (s *fixture) now() string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	head := s.head()
	must(s.t, s.options.Frame.Waiter.Wait(ctx, frame.History, head))
	return s.api.TokenOf(head)
}

// talk makes an agent, a channel and a message, and gives their ids.
func (s *fixture) talk() (agent, channel, message string) {
	s.t.Helper()
	agent = s.ask("POST", "/api/agents", `{"characterJson":{"name":"Eliza","bio":"A listener","settings":{"secrets":{"KEY":"plain"}}}}`).is(http.StatusCreated).text("id")
	channel = uuid.NewString()
	message = s.ask("POST", "/api/messaging/central-channels/"+channel+"/messages", map[string]any{
		"server_id": "0", "author_id": uuid.NewString(), "content": "hello there", "metadata": map[string]any{"user_display_name": "Ann"},
	}).is(http.StatusCreated).text("id")
	return agent, channel, message
}

func TestTheHistoryTellsWhatHappenedWhoDidItAndWhy(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, channel, message := s.talk()
	s.ask("PATCH", "/api/messaging/messages/"+message, `{"content":"hello again"}`).is(http.StatusOK)

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
		s.ask("GET", "/api/history/events?format=ndjson", nil, "X-Annals-After", s.now()),
		s.ask("GET", "/api/history/events", nil, "Accept", frame.NDJSON, "X-Annals-After", s.now()),
	} {
		if typ := a.is(http.StatusOK).header.Get("Content-Type"); typ != frame.NDJSON {
			t.Errorf("the lines are of type %q", typ)
		}
		lines := bytes.Split(bytes.TrimSpace(a.body), []byte("\n"))
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
	if n := bytes.Count(s.ask("GET", "/api/history/events?format=ndjson&limit=2", nil).body, []byte("\n")); n != 2 {
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
		s.ask("GET", "/api/history/events?"+query, nil).refused(http.StatusBadRequest, problem.CodeInvalidRequest)
	}
	if found := s.history("?stream=nothing").Events; found == nil || len(found) != 0 {
		t.Errorf("nothing was to be found: %v", found)
	}
}

func TestWithoutAKeyOnlyThisMachineReadsTheHistory(t *testing.T) {
	t.Parallel()
	open, keyed := serve(t), serve(t, func(o *Options) { o.Frame.Key = "k" })
	open.ask("GET", "/api/history/events", nil).is(http.StatusOK)
	open.ask("GET", "/api/history/events", nil, "Origin", open.url).is(http.StatusOK)
	open.ask("GET", "/api/history/events", nil, "Origin", "http://localhost:1").refused(http.StatusForbidden, problem.CodeForbidden)
	keyed.ask("GET", "/api/history/events", nil).refused(http.StatusUnauthorized, problem.CodeAuthRequired)
	keyed.ask("GET", "/api/history/events", nil, "X-API-KEY", "k").is(http.StatusOK)
}
