package httpapi

import (
	"slices"
	"testing"

	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

func TestTheWordsOfTheClientPackageAreUnderstood(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Heard")
	made := s.ask("POST", "/api/messaging/central-channels", fields{"name": "G", "type": "GROUP", "participantIds": []string{ann, agent}}).is(201)
	channel := "/api/messaging/central-channels/" + made.text("id")
	if made.text("messageServerId") != "00000000-0000-0000-0000-000000000000" {
		t.Errorf("%s", made.body)
	}
	var there []string
	s.ask("GET", channel+"/details", nil).is(200).data(&struct {
		Metadata struct {
			Participants *[]string `json:"participantCentralUserIds"`
		}
	}{struct {
		Participants *[]string `json:"participantCentralUserIds"`
	}{&there}})
	if !slices.Equal(there, []string{ann, agent}) {
		t.Errorf("there are %v", there)
	}
	one := s.ask("GET", "/api/messaging/dm-channel?participantIds="+ann+","+agent, nil).is(200).text("id")
	if other := s.ask("GET", "/api/messaging/dm-channel?targetUserId="+ann+"&currentUserId="+agent, nil).is(200).text("id"); one != other {
		t.Errorf("the channel of two is %s and %s", one, other)
	}

	first := s.ask("POST", channel+"/messages", fields{"content": "hello", "metadata": fields{"a": 1}}).is(201)
	again := s.ask("POST", channel+"/messages", fields{"content": "hello again"}).is(201)
	named := s.ask("POST", channel+"/messages", fields{"content": "and I", "metadata": fields{"authorId": ann}}).is(201)
	if first.text("author_id") != again.text("author_id") || named.text("author_id") != ann || first.text("server_id") != made.text("messageServerId") {
		t.Errorf("%s %s %s", first.body, again.body, named.body)
	}
	reply := s.ask("POST", "/api/messaging/submit", fields{"agentId": agent, "channelId": made.text("id"), "content": "yes", "inReplyToMessageId": named.text("id")}).is(201)
	if reply.text("authorId") != agent || reply.text("inReplyToRootMessageId") != named.text("id") || reply.text("sourceType") != "agent_response" {
		t.Errorf("%s", reply.body)
	}
	s.ask("POST", "/api/messaging/complete", fields{"messageId": named.text("id"), "status": "completed"}).is(200)
	elsewhere := fields{"platform": "test", "channelId": made.text("id"), "messages": []fields{
		{"id": "1", "authorId": "u1", "content": "one", "timestamp": 1}, {"id": "2", "authorId": "u2", "content": "two", "timestamp": 2},
	}}
	if taken := s.ask("POST", "/api/messaging/ingest-external", elsewhere).is(202); taken.at("processed") != 2.0 {
		t.Errorf("%s", taken.body)
	}
	s.untouched(func() { // the same again are the same messages
		s.ask("POST", "/api/messaging/ingest-external", elsewhere).is(202)
		for path, body := range map[string]fields{
			channel + "/messages":               {"content": "x", "author_id": ann},
			"/api/messaging/submit":             {"agentId": agent, "channelId": "x", "content": "y"},
			"/api/messaging/complete":           {"messageId": "x"},
			"/api/messaging/ingest-external":    {"platform": "test", "channelId": made.text("id"), "messages": []fields{{"id": "3", "content": "nobody"}}},
			"/api/messaging/central-channels":   {"name": "G", "participantIds": []string{"x"}},
			"/api/messaging/central-channels/x": {},
		} {
			if got := s.ask("POST", path, body); got.status < 400 || got.status >= 500 {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
	})
	s.ask("POST", "/api/messaging/complete", fields{"messageId": frame.NewID().String()}).refused(404, problem.CodeNotFound)
}
