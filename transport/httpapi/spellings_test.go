package httpapi_test

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
	made := s.Ask("POST", "/api/messaging/central-channels", fields{"name": "G", "type": "GROUP", "participantIds": []string{ann, agent}}).Is(201)
	channel := "/api/messaging/central-channels/" + made.Text("id")
	if made.Text("messageServerId") != "00000000-0000-0000-0000-000000000000" {
		t.Errorf("%s", made.Body)
	}
	var there []string
	s.Ask("GET", channel+"/details", nil).Is(200).Data(&struct {
		Metadata struct {
			Participants *[]string `json:"participantCentralUserIds"`
		}
	}{struct {
		Participants *[]string `json:"participantCentralUserIds"`
	}{&there}})
	if !slices.Equal(there, []string{ann, agent}) {
		t.Errorf("there are %v", there)
	}
	one := s.Ask("GET", "/api/messaging/dm-channel?participantIds="+ann+","+agent, nil).Is(200).Text("id")
	if other := s.Ask("GET", "/api/messaging/dm-channel?targetUserId="+ann+"&currentUserId="+agent, nil).Is(200).Text("id"); one != other {
		t.Errorf("the channel of two is %s and %s", one, other)
	}

	first := s.Ask("POST", channel+"/messages", fields{"content": "hello", "metadata": fields{"a": 1}}).Is(201)
	again := s.Ask("POST", channel+"/messages", fields{"content": "hello again"}).Is(201)
	named := s.Ask("POST", channel+"/messages", fields{"content": "and I", "metadata": fields{"authorId": ann}}).Is(201)
	if first.Text("author_id") != again.Text("author_id") || named.Text("author_id") != ann || first.Text("server_id") != made.Text("messageServerId") {
		t.Errorf("%s %s %s", first.Body, again.Body, named.Body)
	}
	reply := s.Ask("POST", "/api/messaging/submit", fields{"agentId": agent, "channelId": made.Text("id"), "content": "yes", "inReplyToMessageId": named.Text("id")}).Is(201)
	if reply.Text("authorId") != agent || reply.Text("inReplyToRootMessageId") != named.Text("id") || reply.Text("sourceType") != "agent_response" {
		t.Errorf("%s", reply.Body)
	}
	s.Ask("POST", "/api/messaging/complete", fields{"messageId": named.Text("id"), "status": "completed"}).Is(200)
	elsewhere := fields{"platform": "test", "channelId": made.Text("id"), "messages": []fields{
		{"id": "1", "authorId": "u1", "content": "one", "timestamp": 1}, {"id": "2", "authorId": "u2", "content": "two", "timestamp": 2},
	}}
	if taken := s.Ask("POST", "/api/messaging/ingest-external", elsewhere).Is(202); taken.At("processed") != 2.0 {
		t.Errorf("%s", taken.Body)
	}
	s.untouched(func() { // the same again are the same messages
		s.Ask("POST", "/api/messaging/ingest-external", elsewhere).Is(202)
		for path, body := range map[string]fields{
			channel + "/messages":               {"content": "x", "author_id": ann},
			"/api/messaging/submit":             {"agentId": agent, "channelId": "x", "content": "y"},
			"/api/messaging/complete":           {"messageId": "x"},
			"/api/messaging/ingest-external":    {"platform": "test", "channelId": made.Text("id"), "messages": []fields{{"id": "3", "content": "nobody"}}},
			"/api/messaging/central-channels":   {"name": "G", "participantIds": []string{"x"}},
			"/api/messaging/central-channels/x": {},
		} {
			if got := s.Ask("POST", path, body); got.Status < 400 || got.Status >= 500 {
				t.Errorf("%s: %d %s", path, got.Status, got.Body)
			}
		}
	})
	s.Ask("POST", "/api/messaging/complete", fields{"messageId": frame.NewID().String()}).Refused(404, problem.CodeNotFound)
}
