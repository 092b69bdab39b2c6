package httpapi_test

import (
	"testing"

	"annals/transport/problem"
)

func TestAnActionIsAMessageThatChangesWhileItGoesOn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Doer")
	channel := s.Ask("POST", "/api/messaging/channels", fields{
		"name": "x", "type": "DM", "message_server_id": "0", "participantCentralUserIds": []string{ann, agent},
	}).Is(201).Text("id")
	const id = "dddddddd-0000-4000-8000-000000000002"
	body := fields{
		"channel_id": channel, "message_server_id": "0", "author_id": agent, "content": "Executing action: GOLDEN", "source_type": "agent_action", "messageId": id,
		"raw_message": fields{"actionId": "a1", "actionStatus": "executing"}, "metadata": fields{"agentName": "Doer"},
	}
	made := s.Ask("POST", "/api/messaging/action", body).Is(201)
	if made.Text("id") != id || made.Text("sourceType") != "agent_action" || made.Field("data.rawMessage.actionStatus") != "executing" {
		t.Errorf("made: %s", made.Body)
	}
	path := "/api/messaging/action/" + id
	done := s.Ask("PATCH", path, fields{"raw_message": fields{"actionStatus": "completed", "thought": "t2"}, "metadata": fields{"k": 1}}).Is(200)
	if done.Text("content") != "Executing action: GOLDEN" || done.Field("data.rawMessage.actionStatus") != "completed" || done.Field("data.metadata.k") != 1.0 ||
		done.Field("data.rawMessage.actionId") != nil || done.Field("data.metadata.agentName") != nil {
		t.Errorf("done: %s", done.Body)
	}
	if changed := s.Ask("PATCH", path, fields{"content": "changed"}).Is(200); changed.Text("content") != "changed" || changed.Field("data.rawMessage.thought") != "t2" {
		t.Errorf("changed: %s", changed.Body)
	}
	s.untouched(func() {
		s.Ask("PATCH", path, fields{}).Is(200)
		s.Ask("PATCH", path, nil).Is(200)
		s.Ask("PATCH", path, fields{"author_id": "x"}).Refused(400, problem.CodeInvalidRequest)
		s.Ask("PATCH", path, fields{"in_reply_to_message_id": "x"}).Refused(400, problem.CodeInvalidRequest)
		s.Ask("PATCH", "/api/messaging/action/nope", fields{"content": "x"}).Refused(400, problem.CodeInvalidID)
		s.Ask("PATCH", "/api/messaging/action/99999999-9999-4999-8999-999999999999", fields{"content": "x"}).Refused(404, problem.CodeNotFound)
	})
	if newest := s.Ask("GET", "/api/messaging/channels/"+channel+"/messages?limit=1", nil).Is(200); newest.Text("messages.0.id") != id || newest.Text("messages.0.content") != "changed" {
		t.Errorf("in the channel: %s", newest.Body)
	}
}
