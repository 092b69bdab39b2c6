package httpapi

import (
	"strings"
	"testing"

	"annals/events"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

func TestARepeatedRequestIsAnsweredAsTheFirstTimeAndRecordedOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.ask("POST", chat+"/messages", fields{"author_id": ann, "content": "first", "server_id": "0"}).is(201)
	for path, body := range map[string]fields{
		chat + "/messages":                {"author_id": ann, "content": "once", "server_id": "0"},
		"/api/messaging/servers":          {"name": "S", "sourceType": "t"},
		"/api/messaging/channels":         {"name": "C", "type": "GROUP", "serverId": "0"},
		"/api/messaging/central-channels": {"name": "G", "server_id": "0", "participantCentralUserIds": []string{ann}},
	} {
		first := s.ask("POST", path, body, "Idempotency-Key", "k1").is(201)
		s.untouched(func() {
			again := s.ask("POST", path, body, "Idempotency-Key", "k1").is(201)
			if string(again.body) != string(first.body) || again.header.Get("X-Annals-Position") != first.header.Get("X-Annals-Position") {
				t.Errorf("%s: %s, then %s", path, first.body, again.body)
			}
			body["content"], body["name"] = "other", "other"
			s.ask("POST", path, body, "Idempotency-Key", "k1").refused(409, problem.CodeConflict)
		})
		if other := s.ask("POST", path, body, "Idempotency-Key", "k2").is(201); string(other.body) == string(first.body) {
			t.Errorf("%s: another key gave the same", path)
		}
	}
	s.ask("POST", chat+"/messages", fields{}, "Idempotency-Key", strings.Repeat("k", 300)).refused(400, problem.CodeInvalidRequest)
}

func TestAChangeToWhatHasChangedMeanwhileIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := "/api/agents/" + s.newAgent("Tagged")
	message := "/api/messaging/messages/" + s.ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).is(201).text("id")
	for path, body := range map[string]fields{agent: {"system": "s"}, message: {"content": "y"}, chat: {"name": "n"}} {
		shown := path
		if path == chat {
			shown += "/details"
		}
		tag := s.ask("GET", shown, nil).is(200).header.Get("ETag")
		if !strings.HasPrefix(tag, `"r`) {
			t.Fatalf("%s: tag %s", path, tag)
		}
		s.ask("GET", shown, nil, "If-None-Match", tag).is(304)
		s.untouched(func() {
			for _, stale := range []string{`"r999"`, `"x"`, "W/" + tag, `"r99999999999999999999999"`} {
				s.ask("PATCH", path, body, "If-Match", stale).refused(412, problem.CodeStale)
			}
		})
		next := s.ask("PATCH", path, body, "If-Match", tag).is(200)
		if after := s.ask("GET", shown, nil, "If-None-Match", tag).is(200).header.Get("ETag"); after == tag || next.header.Get("X-Annals-Position") == "" {
			t.Errorf("%s: tag %s after a change", path, after)
		}
		s.ask("PATCH", path, fields{"name": "z", "content": "z"}, "If-Match", tag).refused(412, problem.CodeStale)
		s.ask("PATCH", path, fields{"name": "z", "content": "z"}, "If-Match", "*").is(200)
	}
	s.ask("DELETE", agent, nil, "If-Match", `"r0"`).refused(412, problem.CodeStale)
}

func TestATagIsGoodWhateverHappenedToAThing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := "/api/agents/" + s.newAgent("Tagged")
	s.ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).is(201)
	for _, did := range [][2]string{
		{"POST", agent + "/start"}, {"DELETE", agent + "/memories"}, {"POST", agent + "/stop"}, {"DELETE", agent + "/memories"}, {"DELETE", chat + "/messages"},
	} {
		happened := s.ask(did[0], did[1], nil)
		for shown, path := range map[string]string{agent: agent, chat + "/details": chat} {
			now := s.ask("GET", shown, nil, "X-Annals-After", happened.header.Get("X-Annals-Position")).is(200)
			s.ask("PATCH", path, fields{"system": did[1], "name": did[0] + did[1]}, "If-Match", now.header.Get("ETag")).is(200)
		}
	}
}

func TestAListHasAWeakTag(t *testing.T) {
	t.Parallel()
	s := serve(t)
	tag := s.ask("GET", "/api/agents", nil).is(200).header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Errorf("tag %s", tag)
	}
	if got := s.ask("GET", "/api/agents", nil, "If-None-Match", `"other", `+tag).is(304); len(got.body) != 0 {
		t.Errorf("304 with a body: %s", got.body)
	}
	s.newAgent("New")
	s.ask("GET", "/api/agents", nil, "If-None-Match", tag).is(200)
}

func TestAReadIsNoOlderThanThePositionThatItNames(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for range 200 {
		posted := s.ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).is(201)
		got := s.ask("GET", chat+"/messages?limit=1", nil, "X-Annals-After", posted.header.Get("X-Annals-Position")).is(200)
		if !strings.Contains(string(got.body), posted.text("id")) {
			t.Fatalf("%s is not in %s", posted.text("id"), got.body)
		}
	}
	for _, token := range []string{"x", "1", s.log.String() + ".x", frame.NewID().String() + ".1", events.Token{Log: s.log, Position: s.head() + 1}.String()} {
		s.ask("GET", "/api/agents", nil, "X-Annals-After", token).refused(400, problem.CodeInvalidRequest)
	}
}

func TestWhoAskedAndWhyIsRecorded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	body := fields{"name": "x", "sourceType": "x"}
	s.ask("POST", "/api/messaging/servers", body, "X-Request-ID", ann).is(201)
	last := func() events.Metadata { return s.last().Meta }
	if m := last(); m.Correlation.String() != ann || m.Actor != frame.Anonymous {
		t.Errorf("metadata: %+v", m)
	}
	trace := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	s.ask("POST", "/api/messaging/servers", body, "Traceparent", trace).is(201)
	if m := last(); m.Correlation.String() != "4bf92f35-77b3-4da6-a3ce-929d0e0e4736" || m.Trace != trace {
		t.Errorf("metadata: %+v", m)
	}
	s.ask("POST", "/api/messaging/servers", body, "Traceparent", "nonsense").is(201)
	if m := last(); m.Correlation != m.Request || m.Trace != "" {
		t.Errorf("metadata: %+v", m)
	}
}
