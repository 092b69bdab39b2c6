package httpapi_test

import (
	"slices"
	"strings"
	"testing"

	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// ElizaOS 1.7.2 has other names than 1.2.0 for channels and servers: one server has clients of both.

func TestEveryOlderPathAnswersAsTheNewerOne(t *testing.T) {
	t.Parallel()
	s := serve(t)
	there, routes, older := s.peopled(0), httpapi.Routes(), 0
	for _, r := range routes {
		newer := frame.Route{Method: r.Method, Path: formerly.Replace(r.Path)}
		if newer == r {
			continue
		}
		older++
		if !slices.Contains(routes, newer) {
			t.Errorf("%s %s is not %s as well", r.Method, r.Path, newer.Path)
		}
		if r.Method == "GET" {
			one, other := s.Ask("GET", there.about(r.Path), nil).Is(200), s.Ask("GET", there.about(newer.Path), nil).Is(200)
			if string(one.Body) != string(other.Body) {
				t.Errorf("%s: %s\n%s: %s", r.Path, one.Body, newer.Path, other.Body)
			}
		}
	}
	if older < 20 {
		t.Errorf("only %d paths have an older name", older)
	}
}

func TestAServerIsNamedAsEitherGenerationNamesIt(t *testing.T) {
	t.Parallel()
	s := serve(t)
	server := s.Ask("POST", "/api/messaging/message-servers", fields{"name": "S", "sourceType": "t"}).Is(201).Text("server.id")
	agent := s.newAgent("There")
	const channels = "/api/messaging/channels"
	people := []string{ann, agent}
	var channel string
	for name, body := range map[string]fields{
		"1.7.2": {"message_server_id": server, "participantCentralUserIds": people}, "its package": {"message_server_id": server, "type": "GROUP"},
		"1.2.0": {"serverId": server, "type": "GROUP"}, "a group of 1.2.0": {"server_id": server, "participantCentralUserIds": people},
		"both": {"message_server_id": server, "server_id": "0", "serverId": "0", "participantIds": people},
	} {
		body["name"] = name
		made := s.Ask("POST", channels, body).Is(201)
		if made.Text("messageServerId") != server || made.Text("channel.id") != made.Text("id") || made.Text("name") != name || made.Text("type") != "GROUP" {
			t.Errorf("%s: %s", name, made.Body)
		}
		channel = made.Text("id")
	}
	for _, names := range []fields{{"message_server_id": server}, {"server_id": server}, {"message_server_id": server, "server_id": "0"}} {
		said := fields{"author_id": ann, "content": "hello"}
		for key, id := range names {
			said[key] = id
		}
		posted := s.Ask("POST", channels+"/"+channel+"/messages", said).Is(201)
		if posted.Text("server_id") != server || posted.Text("message_server_id") != server || posted.Field("userMessage.id") != posted.Field("data.id") ||
			posted.Field("userMessage.message_server_id") != server {
			t.Errorf("%v: %s", names, posted.Body)
		}
		said["channel_id"], said["source_type"], said["raw_message"] = channel, "agent_response", fields{"text": "hello"}
		s.Ask("POST", "/api/messaging/submit", said).Is(201)
		s.Ask("POST", "/api/messaging/ingest-external", said).Is(202)
		s.Ask("POST", "/api/messaging/complete", said).Is(200)
	}
	for _, names := range []fields{{"messageServerId": server}, {"serverId": server}, {"messageServerId": server, "serverId": "other"}} {
		names["name"] = "Home"
		world := s.Ask("POST", "/api/agents/"+agent+"/worlds", names).Is(201)
		room := s.Ask("POST", "/api/agents/"+agent+"/rooms", names).Is(201)
		if world.Text("world.messageServerId") != server || world.Text("world.serverId") != server || room.Text("messageServerId") != server || room.Text("serverId") != server {
			t.Errorf("%v: %s %s", names, world.Body, room.Body)
		}
		shown := s.Ask("GET", "/api/agents/"+agent+"/rooms/"+room.Text("id"), nil).Is(200)
		if shown.Text("messageServerId") != server || shown.Text("serverId") != server {
			t.Errorf("%v: %s", names, shown.Body)
		}
	}
	unnamed := s.Ask("POST", "/api/agents/"+agent+"/worlds", fields{"name": "Away"}).Is(201)
	if !strings.Contains(string(unnamed.Body), `"messageServerId":null`) || !strings.HasPrefix(unnamed.Text("world.serverId"), "server-") {
		t.Errorf("of no server: %s", unnamed.Body)
	}
	for _, w := range s.Ask("GET", "/api/agents/"+agent+"/worlds", nil).Is(200).At("worlds").([]any) {
		if w := w.(fields); w["messageServerId"] != server && (w["name"] == "Home" || w["messageServerId"] != nil) {
			t.Errorf("listed: %v", w)
		}
	}
	if current := s.Ask("GET", "/api/messaging/message-server/current", nil).Is(200).Text("messageServerId"); current != "00000000-0000-0000-0000-000000000000" {
		t.Errorf("the current server is %s", current)
	}
}

func TestABodyThatNamesAServerWronglyIsRefusedWhateverElseItNames(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.untouched(func() {
		for _, key := range []string{"message_server_id", "server_id", "serverId"} {
			body := fields{"name": "x", "message_server_id": "0", "type": "GROUP"}
			body[key] = "nope"
			s.Ask("POST", "/api/messaging/channels", body).Refused(400, problem.CodeInvalidRequest)
		}
		for _, key := range []string{"message_server_id", "server_id"} {
			body := fields{"author_id": ann, "content": "x", "message_server_id": "0", "server_id": "0"}
			body[key] = "nope"
			s.Ask("POST", chat+"/messages", body).Refused(400, problem.CodeInvalidRequest)
		}
		for _, body := range []fields{{"name": "x", "type": "GROUP"}, {"name": "x", "participantCentralUserIds": []string{ann}}, {"name": "x", "message_server_id": "0"}, {"message_server_id": "0", "type": "GROUP"}} {
			s.Ask("POST", "/api/messaging/channels", body).Refused(400, problem.CodeInvalidRequest)
		}
	})
}

func TestHowManyMemoriesWereRemovedIsSaidInBothWays(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := "/api/agents/" + s.newAgent("Forgetful")
	s.Ask("POST", agent+"/memories", fields{"text": "tea"}).Is(201)
	if gone := s.Ask("DELETE", agent+"/memories", nil).Is(200); gone.At("deleted") != 1.0 || gone.At("deletedCount") != 1.0 {
		t.Errorf("%s", gone.Body)
	}
}

func TestASubmittedMessageHasTheIDThatItIsGivenAndTheSameAgainIsTheSame(t *testing.T) {
	t.Parallel()
	s := serve(t)
	channel, agent, id := s.conversation("0"), s.newAgent("Iris"), frame.NewID().String()
	body := fields{
		"messageId": id, "channel_id": channel, "message_server_id": "0", "author_id": agent, "content": "yes", "source_type": "agent_response",
		"raw_message": fields{"text": "yes"},
	}
	first := s.Ask("POST", "/api/messaging/submit", body).Is(201)
	if first.Text("id") != id || s.Ask("GET", "/api/messaging/messages/"+id, nil).Is(200).Text("content") != "yes" {
		t.Errorf("%s", first.Body)
	}
	s.untouched(func() {
		if again := s.Ask("POST", "/api/messaging/submit", body).Is(201); again.Text("createdAt") != first.Text("createdAt") {
			t.Errorf("%s, then %s", first.Body, again.Body)
		}
		body["content"] = "no"
		s.Ask("POST", "/api/messaging/submit", body).Refused(409, problem.CodeConflict)
		body["content"], body["author_id"] = "yes", ann
		s.Ask("POST", "/api/messaging/submit", body).Refused(409, problem.CodeConflict)
		body["messageId"] = "nope"
		s.Ask("POST", "/api/messaging/submit", body).Refused(400, problem.CodeInvalidRequest)
	})
}
