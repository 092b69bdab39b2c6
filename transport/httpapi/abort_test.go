package httpapi_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
)

// privateChannel makes a channel of Ann and an agent.
func (s *fixture) privateChannel(agent string) (id string) {
	s.T.Helper()
	return s.Ask("POST", "/api/messaging/central-channels", fields{
		"name": "DM", "server_id": "0", "type": "DM", "participantCentralUserIds": []string{ann, agent},
	}).Is(201).Text("id")
}

func TestAnAnswerIsAborted(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Iris")
	channel := s.privateChannel(agent)
	path := "/api/messaging/central-channels/" + channel
	say := func() string {
		return s.Ask("POST", path+"/messages", fields{"server_id": "0", "author_id": ann, "content": "Hello?"}).Is(201).Text("id")
	}
	first, second, third := say(), say(), say()
	aborted := func(body any) (messages []string) {
		t.Helper()
		answer := s.Ask("POST", path+"/abort", body).Is(200)
		var done struct {
			Aborted []struct{ TurnID, MessageID, AgentID uuid.UUID }
		}
		answer.Data(&done)
		for _, turn := range done.Aborted {
			if turn.AgentID.String() != agent || turn.TurnID != events.TurnID(turn.MessageID, turn.AgentID) {
				t.Errorf("aborted %+v", turn)
			}
			messages = append(messages, turn.MessageID.String())
		}
		if (answer.Header.Get("X-Annals-Position") != "") != (len(messages) > 0) {
			t.Errorf("the position is %q", answer.Header.Get("X-Annals-Position"))
		}
		return messages
	}
	if got := aborted(fields{"messageId": first}); len(got) != 1 || got[0] != first {
		t.Errorf("aborted %v", got)
	}
	if got := aborted(fields{"messageId": first, "agentId": agent}); len(got) != 0 {
		t.Errorf("aborted again: %v", got)
	}
	id, err := events.ParseID(third)
	must(t, err)
	by, err := events.ParseID(agent)
	must(t, err)
	must(t, httpapitest.Do(s.Env, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{TurnID: events.TurnID(id, by), Outcome: events.TurnReplied}}))
	if got := aborted(fields{"agentId": unknown}); len(got) != 0 {
		t.Errorf("aborted of nobody: %v", got)
	}
	if got := aborted(nil); len(got) != 1 || got[0] != second {
		t.Errorf("aborted of all: %v", got)
	}

	s.untouched(func() {
		s.Ask("POST", path+"/abort", fields{"messageId": "x"}).Refused(400, problem.CodeInvalidID)
		s.Ask("POST", path+"/abort", fields{"agentId": []int{1}}).Refused(400, problem.CodeInvalidRequest)
		s.Ask("POST", path+"/abort", fields{"messageId": unknown}).Refused(404, problem.CodeNotFound)
		s.Ask("POST", path+"/abort", fields{"messageId": second, "agentId": ann}).Refused(404, problem.CodeNotFound)
		s.Ask("POST", "/api/messaging/central-channels/"+unknown+"/abort", fields{}).Refused(404, problem.CodeNotFound)
	})
}

// why of a turn is there whatever came of it, and names what led to it.
func TestWhyATurnEndedAsItDidIsTold(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Iris")
	channel := s.privateChannel(agent)
	by := uuid.MustParse(agent)
	for _, outcome := range []string{events.TurnFailed, events.TurnIgnored, events.TurnCutOff, ""} {
		path := "/api/messaging/central-channels/" + channel
		said := s.Ask("POST", path+"/messages", fields{"server_id": "0", "author_id": ann, "content": "Hello?"}).Is(201).Text("id")
		message := uuid.MustParse(said)
		turn := events.TurnID(message, by)
		s.CaughtUp()
		fact := s.Ask("GET", "/api/history/messages/"+said, nil).Is(200).At("events").([]any)[0].(map[string]any)
		r := commands.Request{
			ID: uuid.New(), At: time.Now().UTC().Truncate(time.Millisecond), Actor: "agent:" + agent,
			Correlation: uuid.MustParse(fact["correlation"].(string)), Causation: uuid.MustParse(fact["id"].(string)),
		}
		must2 := func(_ commands.Result, err error) { t.Helper(); must(t, err) }
		if outcome == events.TurnCutOff || outcome == "" {
			s.Ask("POST", path+"/abort", fields{"messageId": said}).Is(200)
		}
		if outcome != "" {
			must2(commands.Handle(t.Context(), s.Env, r, commands.RecordLog{LogRecorded: events.LogRecorded{
				LogID: uuid.New(), AgentID: by, EntityID: by, RoomID: by, TurnID: turn, Type: "useModel:TEXT_LARGE", Body: []byte(`{"prompt":"p"}`),
			}}))
			must2(commands.Handle(t.Context(), s.Env, r, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
				TurnID: turn, ChannelID: uuid.MustParse(channel), AgentID: by, MessageID: message, Outcome: outcome, Reason: "since " + outcome,
			}}))
		}
		s.CaughtUp()
		why := s.Ask("GET", "/api/history/turns/"+turn.String()+"/why", nil).Is(200)
		if outcome == "" {
			if why.At("turn") != nil || why.Text("abort.type") != "TurnAborted" {
				t.Errorf("an abort that the agent has not noticed: %s", why.Body)
			}
			continue
		}
		if why.Text("turn.outcome") != outcome || why.Text("turn.reason") != "since "+outcome || len(why.At("calls").([]any)) != 1 ||
			why.At("attempts") != 1.0 || why.At("causes").([]any)[0].(map[string]any)["id"] != fact["id"] || why.At("reply") != nil ||
			why.Text("request.actor") != "anonymous" || (why.At("abort") != nil) != (outcome == events.TurnCutOff) {
			t.Errorf("%s: %s", outcome, why.Body)
		}
	}
	s.Ask("GET", "/api/history/turns/"+unknown+"/why", nil).Refused(404, problem.CodeNotFound)
}
