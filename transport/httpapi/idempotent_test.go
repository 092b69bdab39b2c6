package httpapi

import (
	"strings"
	"testing"
)

// Each POST that changes something, in an order in which each of them can be asked for. IDs stand in for what was made.
func TestEveryPostMayBeRepeatedUnderItsKey(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Asked Twice")
	server := s.ask("POST", "/api/messaging/servers", fields{"name": "Other", "sourceType": "t"}).is(201).text("server.id")
	s.ask("POST", chat+"/messages", fields{"author_id": ann, "content": "first", "server_id": "0"}).is(201)
	channel := strings.TrimPrefix(chat, "/api/messaging/central-channels/")
	said := fields{"channel_id": channel, "server_id": "0", "author_id": ann, "content": "x", "source_type": "t", "raw_message": fields{"a": 1}}
	for i, r := range []struct {
		path   string
		body   any
		status int
	}{
		{"/api/agents", fields{"characterJson": fields{"name": "Made Twice", "bio": "b", "settings": fields{"secrets": fields{"K": "plain"}}}}, 201},
		{"/api/agents/" + agent + "/stop", nil, 200}, // a second stop is not found, without the key
		{"/api/agents/" + agent + "/start", nil, 200},
		{"/api/messaging/servers", fields{"name": "S", "sourceType": "t"}, 201},
		{"/api/messaging/servers/" + server + "/agents", fields{"agentId": agent}, 201},
		{"/api/messaging/channels", fields{"name": "C", "type": "GROUP", "serverId": "0"}, 201},
		{"/api/messaging/central-channels", fields{"name": "G", "server_id": "0", "participantCentralUserIds": []string{ann}}, 201},
		{chat + "/agents", fields{"agentId": agent}, 201},
		{chat + "/messages", said, 201},
		{"/api/messaging/central-channels/" + unknown + "/messages", said, 201}, // makes its channel
		{"/api/messaging/submit", said, 201},
		{"/api/messaging/complete", fields{"channel_id": channel, "server_id": "0"}, 200},
		{"/api/messaging/ingest-external", said, 202},
	} {
		key := "key of " + r.path
		before := s.head()
		first := s.ask("POST", r.path, r.body, "Idempotency-Key", key).is(r.status)
		if s.head() == before {
			t.Errorf("%d %s: nothing was recorded", i, r.path)
		}
		s.untouched(func() {
			again := s.ask("POST", r.path, r.body, "Idempotency-Key", key).is(r.status)
			if string(again.body) != string(first.body) {
				t.Errorf("%s: %s, then %s", r.path, first.body, again.body)
			}
			if at := again.header.Get("X-Annals-Position"); at == "" || at != first.header.Get("X-Annals-Position") {
				t.Errorf("%s: position %s, then %s", r.path, first.header.Get("X-Annals-Position"), at)
			}
			other := fields{"more": true}
			if body, ok := r.body.(fields); ok {
				for k, v := range body {
					other[k] = v
				}
			}
			s.ask("POST", r.path, other, "Idempotency-Key", key).refused(409, codeConflict)
		})
	}
}
