package httpapi_test

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
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "first", "server_id": "0"}).Is(201)
	for path, body := range map[string]fields{
		chat + "/messages":                {"author_id": ann, "content": "once", "server_id": "0"},
		"/api/messaging/servers":          {"name": "S", "sourceType": "t"},
		"/api/messaging/channels":         {"name": "C", "type": "GROUP", "serverId": "0"},
		"/api/messaging/central-channels": {"name": "G", "server_id": "0", "participantCentralUserIds": []string{ann}},
	} {
		first := s.Ask("POST", path, body, "Idempotency-Key", "k1").Is(201)
		s.untouched(func() {
			again := s.Ask("POST", path, body, "Idempotency-Key", "k1").Is(201)
			if string(again.Body) != string(first.Body) || again.Header.Get("X-Annals-Position") != first.Header.Get("X-Annals-Position") {
				t.Errorf("%s: %s, then %s", path, first.Body, again.Body)
			}
			body["content"], body["name"] = "other", "other"
			s.Ask("POST", path, body, "Idempotency-Key", "k1").Refused(409, problem.CodeConflict)
		})
		if other := s.Ask("POST", path, body, "Idempotency-Key", "k2").Is(201); string(other.Body) == string(first.Body) {
			t.Errorf("%s: another key gave the same", path)
		}
	}
	s.Ask("POST", chat+"/messages", fields{}, "Idempotency-Key", strings.Repeat("k", 300)).Refused(400, problem.CodeInvalidRequest)
}

func TestAChangeToWhatHasChangedMeanwhileIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := "/api/agents/" + s.newAgent("Tagged")
	message := "/api/messaging/messages/" + s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Is(201).Text("id")
	for path, body := range map[string]fields{agent: {"system": "s"}, message: {"content": "y"}, chat: {"name": "n"}} {
		shown := path
		if path == chat {
			shown += "/details"
		}
		tag := s.Ask("GET", shown, nil).Is(200).Header.Get("ETag")
		if !strings.HasPrefix(tag, `"r`) {
			t.Fatalf("%s: tag %s", path, tag)
		}
		s.Ask("GET", shown, nil, "If-None-Match", tag).Is(304)
		s.untouched(func() {
			for _, stale := range []string{`"r999"`, `"x"`, "W/" + tag, `"r99999999999999999999999"`} {
				s.Ask("PATCH", path, body, "If-Match", stale).Refused(412, problem.CodeStale)
			}
		})
		next := s.Ask("PATCH", path, body, "If-Match", tag).Is(200)
		if after := s.Ask("GET", shown, nil, "If-None-Match", tag).Is(200).Header.Get("ETag"); after == tag || next.Header.Get("X-Annals-Position") == "" {
			t.Errorf("%s: tag %s after a change", path, after)
		}
		s.Ask("PATCH", path, fields{"name": "z", "content": "z"}, "If-Match", tag).Refused(412, problem.CodeStale)
		s.Ask("PATCH", path, fields{"name": "z", "content": "z"}, "If-Match", "*").Is(200)
	}
	s.Ask("DELETE", agent, nil, "If-Match", `"r0"`).Refused(412, problem.CodeStale)
}

func TestATagIsGoodWhateverHappenedToAThing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := "/api/agents/" + s.newAgent("Tagged")
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Is(201)
	for _, did := range [][2]string{
		{"POST", agent + "/start"}, {"DELETE", agent + "/memories"}, {"POST", agent + "/stop"}, {"DELETE", agent + "/memories"}, {"DELETE", chat + "/messages"},
	} {
		happened := s.Ask(did[0], did[1], nil)
		for shown, path := range map[string]string{agent: agent, chat + "/details": chat} {
			now := s.Ask("GET", shown, nil, "X-Annals-After", happened.Header.Get("X-Annals-Position")).Is(200)
			s.Ask("PATCH", path, fields{"system": did[1], "name": did[0] + did[1]}, "If-Match", now.Header.Get("ETag")).Is(200)
		}
	}
}

func TestAListHasAWeakTag(t *testing.T) {
	t.Parallel()
	s := serve(t)
	tag := s.Ask("GET", "/api/agents", nil).Is(200).Header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Errorf("tag %s", tag)
	}
	if got := s.Ask("GET", "/api/agents", nil, "If-None-Match", `"other", `+tag).Is(304); len(got.Body) != 0 {
		t.Errorf("304 with a body: %s", got.Body)
	}
	s.newAgent("New")
	s.Ask("GET", "/api/agents", nil, "If-None-Match", tag).Is(200)
}

func TestAReadIsNoOlderThanThePositionThatItNames(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for range 200 {
		posted := s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Is(201)
		got := s.Ask("GET", chat+"/messages?limit=1", nil, "X-Annals-After", posted.Header.Get("X-Annals-Position")).Is(200)
		if !strings.Contains(string(got.Body), posted.Text("id")) {
			t.Fatalf("%s is not in %s", posted.Text("id"), got.Body)
		}
	}
	for _, token := range []string{"x", "1", s.Log.String() + ".x", frame.NewID().String() + ".1", events.Token{Log: s.Log, Position: s.Head() + 1}.String()} {
		s.Ask("GET", "/api/agents", nil, "X-Annals-After", token).Refused(400, problem.CodeInvalidRequest)
	}
}

func TestWhoAskedAndWhyIsRecorded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	body := fields{"name": "x", "sourceType": "x"}
	s.Ask("POST", "/api/messaging/servers", body, "X-Request-ID", ann).Is(201)
	last := func() events.Metadata { return s.Last().Meta }
	if m := last(); m.Correlation.String() != ann || m.Actor != frame.Anonymous {
		t.Errorf("metadata: %+v", m)
	}
	trace := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	s.Ask("POST", "/api/messaging/servers", body, "Traceparent", trace).Is(201)
	if m := last(); m.Correlation.String() != "4bf92f35-77b3-4da6-a3ce-929d0e0e4736" || m.Trace != trace {
		t.Errorf("metadata: %+v", m)
	}
	s.Ask("POST", "/api/messaging/servers", body, "Traceparent", "nonsense").Is(201)
	if m := last(); m.Correlation != m.Request || m.Trace != "" {
		t.Errorf("metadata: %+v", m)
	}
}

func TestARequestAddsNothingToWhatAnotherCaused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	body := fields{"name": "x", "sourceType": "x"}
	asks := func(header, id string) events.Metadata {
		t.Helper()
		s.Ask("POST", "/api/messaging/servers", body, header, id).Is(201)
		return s.Last().Meta
	}
	trace := "4bf92f3577b34da6a3ce929d0e0e4736"
	nameless := asks("X-Request-ID", "")
	s.CaughtUp()
	for _, taken := range []string{nameless.Correlation.String(), asks("X-Request-ID", unknown).Correlation.String(), asks("Traceparent", "00-"+trace+"-00f067aa0ba902b7-01").Correlation.String()} {
		for _, id := range []string{taken, strings.ToUpper(taken)} {
			if m := asks("X-Request-ID", id); m.Correlation != m.Request {
				t.Errorf("%s took in what %s recorded", taken, m.Request)
			}
		}
		if m := asks("Traceparent", "00-"+strings.ReplaceAll(taken, "-", "")+"-00f067aa0ba902b7-01"); m.Correlation != m.Request || m.Trace == "" {
			t.Errorf("%s took in what %s recorded: %+v", taken, m.Request, m)
		}
		s.CaughtUp()
		if tree := s.Ask("GET", "/api/history/correlations/"+taken, nil).Is(200); tree.At("events") != 1.0 {
			t.Errorf("the tree of %s: %s", taken, tree.Body)
		}
	}
	s.Ask("POST", "/api/messaging/servers", body, "X-Request-ID", ann, "Idempotency-Key", "k").Is(201)
	first := s.Last().Meta
	if s.Ask("POST", "/api/messaging/servers", body, "X-Request-ID", ann, "Idempotency-Key", "k").Is(201); s.Last().Meta != first || first.Correlation.String() != ann {
		t.Errorf("repeated: %+v", first)
	}
}
