package httpapi_test

import (
	"encoding/json"
	"testing"

	"annals/transport/problem"
)

func TestZeroIsNothingAndAnotherNumberIsItsDigits(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := "/api/agents/" + s.newAgent("There")
	message := fields{"channel_id": unknown, "server_id": "0", "author_id": ann, "content": "x", "source_type": "s", "raw_message": fields{}}
	for _, r := range []struct {
		path   string
		body   fields
		number string // the part of the body that is one
		shown  string
	}{
		{"/api/messaging/central-channels/" + unknown + "/messages", message, "content", "content"},
		{"/api/messaging/submit", message, "content", "content"},
		{"/api/messaging/ingest-external", message, "content", ""},
		{"/api/messaging/servers", fields{"name": "x", "sourceType": "s"}, "name", "server.name"},
		{"/api/messaging/channels", fields{"serverId": "0", "name": "x", "type": "GROUP"}, "name", "channel.name"},
		{"/api/messaging/channels", fields{"serverId": "0", "name": "x", "type": "GROUP"}, "type", "channel.type"},
		{"/api/messaging/central-channels", fields{"server_id": 0, "name": "x", "participantCentralUserIds": []string{}}, "name", "name"},
		{agent + "/rooms", fields{"name": "x"}, "name", "name"},
		{agent + "/worlds", fields{"name": "x"}, "name", "world.name"},
	} {
		body := map[string]any{}
		for key, value := range r.body {
			body[key] = value
		}
		s.untouched(func() {
			for _, none := range []any{0, json.RawMessage(`-0.0`), false, nil, ""} {
				body[r.number] = none
				s.Ask("POST", r.path, body).Refused(400, problem.CodeInvalidRequest)
			}
		})
		for _, odd := range []any{true, []any{}, fields{}, []any{1}} {
			body[r.number] = odd
			s.untouched(func() { s.Ask("POST", r.path, body).Refused(400, problem.CodeInvalidRequest) })
		}
		body[r.number] = 5
		got := s.Ask("POST", r.path, body)
		if got.Status > 202 || r.shown != "" && got.Text(r.shown) != "5" {
			t.Errorf("%s %v: %d %s", r.path, body, got.Status, got.Body)
		}
	}
}

func TestNullIsNoValueOfWhatAPatchMustHave(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("There")
	s.Ask("POST", "/api/agents/"+agent+"/worlds", fields{"name": "Home", "metadata": fields{"a": 1}}).Is(201)
	world := "/api/agents/" + agent + "/worlds/" + s.Ask("GET", "/api/agents/"+agent+"/worlds", nil).Text("worlds.0.id")
	message := "/api/messaging/messages/" + s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Text("id")
	s.untouched(func() {
		for path, bodies := range map[string][]any{
			chat:                   {fields{"name": nil}, fields{"name": nil, "metadata": fields{"b": 1}}, fields{"participantCentralUserIds": nil}, fields{"participantCentralUserIds": []any{nil}}},
			world:                  {fields{"name": nil}, fields{"name": nil, "metadata": fields{"b": 1}}},
			message:                {fields{"content": nil}, fields{"content": 0}, fields{"content": ""}},
			"/api/agents/" + agent: {fields{"name": nil}, fields{"bio": nil}},
		} {
			for _, body := range bodies {
				s.Ask("PATCH", path, body).Refused(400, problem.CodeInvalidRequest)
			}
		}
	})
	s.Ask("PATCH", chat, fields{"metadata": fields{"a": 1}}).Is(200)
	if got := s.Ask("PATCH", chat, fields{"metadata": nil}).Is(200); jsonText(got.At("metadata")) != `{}` {
		t.Errorf("null left %s", got.Body)
	}
	if got := s.Ask("PATCH", world, fields{"metadata": nil}).Is(200); jsonText(got.At("world.metadata")) != `{"a":1}` { // its members would replace those there
		t.Errorf("null left %s", got.Body)
	}
}

func TestAWorldThatIsThereIsToldOfAsItWasMade(t *testing.T) {
	t.Parallel()
	s := serve(t)
	one, other := s.newAgent("One"), s.newAgent("Other")
	made := s.Ask("POST", "/api/agents/"+one+"/worlds", fields{"name": "Home", "serverId": "lan", "metadata": fields{"a": 1}}).Is(201)
	known := s.Ask("POST", "/api/agents/"+other+"/worlds", fields{"worldId": made.Text("world.id"), "name": "Mine", "serverId": "wan"}).Is(201)
	if jsonText(known.At("world")) != jsonText(made.At("world")) {
		t.Errorf("made %s, and then told of %s", made.Body, known.Body)
	}
	listed := s.Ask("GET", "/api/agents/"+one+"/worlds", nil).Is(200)
	if jsonText(listed.At("worlds.0")) != jsonText(made.At("world")) {
		t.Errorf("made %s, and listed %s", made.Body, listed.Body)
	}
}
