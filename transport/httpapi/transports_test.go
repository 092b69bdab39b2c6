package httpapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
)

// dm makes a channel of Ann and an agent, and has the agent end its turns as the texts say: by their first word, or else with an answer
// to what was said.
func (s *fixture) dm() (agent, path string) {
	s.T.Helper()
	agent = s.newAgent("Iris")
	s.Ask("POST", "/api/agents/"+agent+"/start", nil).Is(200)
	channel := s.Ask("POST", "/api/messaging/channels", fields{
		"name": "x", "type": "DM", "message_server_id": "0", "participantCentralUserIds": []string{ann, agent},
	}).Is(201).Text("id")
	go func() {
		for e, err := range s.Store.Subscribe(s.T.Context(), 0, events.Filter{Types: []string{events.MessageSubmitted{}.EventType()}}) {
			m, ok := e.Event.(events.MessageSubmitted)
			if err != nil || !ok || m.AuthorID.String() != ann {
				continue
			}
			for _, id := range m.Audience {
				s.turn(m, id)
			}
		}
	}()
	return agent, "/api/messaging/channels/" + channel + "/messages"
}

func (s *fixture) turn(m events.MessageSubmitted, agent uuid.UUID) {
	end := events.TurnCompleted{TurnID: events.TurnID(m.MessageID, agent), ChannelID: m.ChannelID, AgentID: agent, MessageID: m.MessageID}
	switch first, _, _ := strings.Cut(m.Content, " "); first {
	case events.TurnFailed:
		end.Outcome, end.Reason = first, "the model refused"
	case events.TurnIgnored, events.TurnCutOff:
		end.Outcome = first
	default:
		end.Outcome, end.ReplyID = events.TurnReplied, events.ReplyID(m.MessageID, agent)
		err := httpapitest.Do(s.Env, commands.SubmitMessage{
			MessageID: end.ReplyID, ChannelID: m.ChannelID, AuthorID: agent, AuthorName: "Iris", Content: "You said: " + m.Content,
			SourceType: "agent_response", RawMessage: json.RawMessage(`{"thought":"hm","actions":["REPLY"]}`), InReplyTo: m.MessageID,
		})
		if err != nil {
			s.T.Error(err)
		}
	}
	if err := httpapitest.Do(s.Env, commands.CompleteTurn{TurnCompleted: end}); err != nil {
		s.T.Error(err)
	}
}

func said(content string, more ...any) fields {
	m := fields{"author_id": ann, "content": content, "message_server_id": "0"}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

// told are the names of server-sent events, and the data of each.
func told(t *testing.T, a answered) (names []string, data []fields) {
	t.Helper()
	if typ := a.Is(200).Header.Get("Content-Type"); !strings.HasPrefix(typ, "text/event-stream") {
		t.Fatalf("%s: %s %s", a.What, typ, a.Body)
	}
	for line := range strings.Lines(string(a.Body)) {
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			names = append(names, strings.TrimSpace(name))
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			var d fields
			must(t, json.Unmarshal([]byte(text), &d))
			data = append(data, d)
		}
	}
	return names, data
}

func TestOverHTTPTheAnswerOfTheAgentIsPartOfTheAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, path := s.dm()
	for _, way := range []fields{{"transport": "http"}, {"mode": "sync"}, {"transport": "http", "mode": "stream"}} {
		body := said(fmt.Sprint("hello ", way))
		for key, value := range way {
			body[key] = value
		}
		got := s.Ask("POST", path, body, "Idempotency-Key", fmt.Sprint(way)).Is(201)
		text := "You said: " + body["content"].(string)
		id := events.ReplyID(uuid.MustParse(got.Text("id")), uuid.MustParse(agent)).String()
		for _, at := range []string{"agentResponse.", "data.agentResponse."} {
			if got.Field(at+"text") != text || got.Field(at+"responseId") != id || got.Field(at+"thought") != "hm" || got.Field(at+"actions.0") != "REPLY" {
				t.Errorf("%v: %s", way, got.Body)
			}
		}
		if got.Field("userMessage.id") != got.Text("id") {
			t.Errorf("%v: %s", way, got.Body)
		}
		s.untouched(func() { // the same again gets the one answer
			if again := s.Ask("POST", path, body, "Idempotency-Key", fmt.Sprint(way)).Is(201); string(again.Body) != string(got.Body) {
				t.Errorf("%s, then %s", got.Body, again.Body)
			}
		})
		if newest := s.Ask("GET", path+"?limit=1", nil).Is(200); newest.Text("messages.0.id") != id {
			t.Errorf("the answer is no message of the channel: %s", newest.Body)
		}
	}
	silent := s.Ask("POST", path, said("ignored by the agent", "transport", "http")).Is(201)
	if silent.Field("agentResponse.text") != "" || silent.Field("agentResponse.actions.0") != "IGNORE" {
		t.Errorf("%s", silent.Body)
	}
	failed := s.Ask("POST", path, said("failed", "transport", "http")).Refused(503, problem.CodeUnavailable)
	if failed.Field("userMessage.content") != "failed" || !strings.Contains(string(failed.Body), "the model refused") {
		t.Errorf("%s", failed.Body)
	}
	s.Ask("POST", path, said("aborted", "transport", "http")).Refused(409, problem.CodeConflict)
}

func TestOverSSETheAnswerOfTheAgentIsStreamed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	_, path := s.dm()
	body := said("hello", "transport", "sse")
	names, data := told(t, s.Ask("POST", path, body, "Idempotency-Key", "k"))
	if !slices.Equal(names, []string{"user_message", "chunk", "done"}) || data[0]["content"] != "hello" || data[1]["chunk"] != "You said: hello" ||
		data[1]["index"] != 0.0 || data[2]["text"] != "You said: hello" || data[2]["responseId"] != data[1]["messageId"] {
		t.Errorf("%v %v", names, data)
	}
	s.untouched(func() {
		if names, again := told(t, s.Ask("POST", path, body, "Idempotency-Key", "k", "Last-Event-ID", "0-3")); !slices.Equal(names, []string{"done"}) || again[0]["text"] != data[2]["text"] {
			t.Errorf("resumed: %v %v", names, again)
		}
	})
	for content, want := range map[string]string{"failed": "The agent could not answer: the model refused", "aborted": "The answer was aborted"} {
		if names, data := told(t, s.Ask("POST", path, said(content, "mode", "stream"))); !slices.Equal(names, []string{"user_message", "error"}) || data[1]["error"] != want {
			t.Errorf("%s: %v %v", content, names, data)
		}
	}
}

func TestWhatIsSaidSoFarIsStreamedInPiecesThatMakeTheText(t *testing.T) {
	t.Parallel()
	saying := &httpapitest.Saying{}
	s := serve(t, func(o *httpapi.Options) { o.Messaging.Answers = saying })
	_, path := s.dm()
	saying.Pieces("You ", "You said", "You said: hel")
	names, data := told(t, s.Ask("POST", path, said("hello", "transport", "sse")))
	var whole strings.Builder
	for i, name := range names {
		if name == "chunk" {
			whole.WriteString(data[i]["chunk"].(string))
		}
	}
	if last := len(names) - 1; names[0] != "user_message" || names[last] != "done" || data[last]["text"] != whole.String() || len(names) != 6 {
		t.Errorf("%v %v", names, data)
	}
}

func TestATransportThatIsNoneAndAMessageThatNobodyAnswersRecordNothing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, path := s.dm()
	s.Ask("POST", chat+"/messages", said("there is a channel")).Is(201)
	s.untouched(func() {
		for _, way := range []any{"carrier pigeon", "HTTP", true, fields{}, 5} {
			got := s.Ask("POST", path, said("x", "transport", way)).Refused(400, problem.CodeInvalidRequest)
			if message := got.Field("error.message").(string); !strings.HasPrefix(message, "Invalid transport ") {
				t.Errorf("%v: %s", way, message)
			}
		}
		for _, to := range []string{chat + "/messages", address("/api/messaging/channels/:x/messages", unknown)} {
			s.Ask("POST", to, said("x", "transport", "http")).Refused(400, problem.CodeInvalidRequest)
			s.Ask("POST", to, said("x", "transport", "sse")).Refused(400, problem.CodeInvalidRequest)
		}
	})
	s.Ask("POST", path, said("x", "transport", nil)).Is(201)
	opened := s.Ask("POST", address("/api/messaging/channels/:x/messages", unknown), said("x", "transport", "http", "metadata", fields{"targetAgentId": agent})).Is(201)
	if opened.Field("agentResponse.text") != "You said: x" {
		t.Errorf("a channel that was made for it: %s", opened.Body)
	}
}

func TestAnAgentThatAClientNamesJoinsAChannelWithoutAgentsToAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent, path := s.dm()
	alone := s.Ask("POST", "/api/messaging/channels", fields{"name": "x", "message_server_id": "0", "participantCentralUserIds": []string{ann}}).Is(201).Text("id")
	ask := func(path string, named any) answered {
		return s.Ask("POST", path, said("x", "transport", "http", "metadata", fields{"targetAgentId": named}))
	}
	s.untouched(func() {
		for _, named := range []any{unknown, "nobody", nil} {
			ask("/api/messaging/channels/"+alone+"/messages", named).Refused(400, problem.CodeInvalidRequest)
		}
	})
	if got := ask("/api/messaging/channels/"+alone+"/messages", agent).Is(201); got.Field("agentResponse.text") != "You said: x" {
		t.Errorf("it was named: %s", got.Body)
	}
	other := s.newAgent("Other")
	s.Ask("POST", "/api/agents/"+other+"/start", nil).Is(200)
	ask(path, other).Is(201)
	if there := s.Ask("GET", strings.TrimSuffix(path, "messages")+"participants", nil).Is(200); strings.Contains(string(there.Body), other) {
		t.Errorf("where an agent takes part, another joins: %s", there.Body)
	}
}

func TestAMessageThatItsClientNamesIsTheSameAgain(t *testing.T) {
	t.Parallel()
	s := serve(t)
	_, path := s.dm()
	const own = "77777777-7777-4777-8777-777777777777"
	body := said("hello", "transport", "sse", "messageId", own)
	_, first := told(t, s.Ask("POST", path, body))
	s.untouched(func() {
		if names, again := told(t, s.Ask("POST", path, body, "Last-Event-ID", "0-3")); !slices.Equal(names, []string{"done"}) || again[0]["responseId"] != first[2]["responseId"] {
			t.Errorf("resumed: %v %v", names, again)
		}
	})
	other := s.Ask("POST", path, said("another text", "messageId", own, "transport", "http")).Is(201) // which waits until the agent is done
	if other.Text("id") == first[0]["id"] {
		t.Errorf("another text is the same message: %s", other.Body)
	}
	s.untouched(func() {
		if again := s.Ask("POST", path, said("another text", "messageId", own)).Is(201); again.Text("id") != other.Text("id") {
			t.Errorf("%s, then %s", other.Body, again.Body)
		}
	})
}
