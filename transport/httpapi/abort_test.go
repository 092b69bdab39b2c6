package httpapi_test

import (
	"testing"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
)

func TestAnAnswerIsAborted(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Iris")
	channel := s.Ask("POST", "/api/messaging/central-channels", fields{
		"name": "DM", "server_id": "0", "type": "DM", "participantCentralUserIds": []string{ann, agent},
	}).Is(201).Text("id")
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
