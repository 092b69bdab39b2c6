package httpapi

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
				s.ask("POST", r.path, body).refused(400, problem.CodeInvalidRequest)
			}
		})
		for _, odd := range []any{true, []any{}, fields{}, []any{1}} {
			body[r.number] = odd
			s.untouched(func() { s.ask("POST", r.path, body).refused(400, problem.CodeInvalidRequest) })
		}
		body[r.number] = 5
		got := s.ask("POST", r.path, body)
		if got.status > 202 || r.shown != "" && got.text(r.shown) != "5" {
			t.Errorf("%s %v: %d %s", r.path, body, got.status, got.body)
		}
	}
}

func TestNullIsNoValueOfWhatAPatchMustHave(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("There")
	s.ask("POST", "/api/agents/"+agent+"/worlds", fields{"name": "Home", "metadata": fields{"a": 1}}).is(201)
	world := "/api/agents/" + agent + "/worlds/" + s.ask("GET", "/api/agents/"+agent+"/worlds", nil).text("worlds.0.id")
	message := "/api/messaging/messages/" + s.ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).text("id")
	s.untouched(func() {
		for path, bodies := range map[string][]any{
			chat:                   {fields{"name": nil}, fields{"name": nil, "metadata": fields{"b": 1}}, fields{"participantCentralUserIds": nil}, fields{"participantCentralUserIds": []any{nil}}},
			world:                  {fields{"name": nil}, fields{"name": nil, "metadata": fields{"b": 1}}},
			message:                {fields{"content": nil}, fields{"content": 0}, fields{"content": ""}},
			"/api/agents/" + agent: {fields{"name": nil}, fields{"bio": nil}},
		} {
			for _, body := range bodies {
				s.ask("PATCH", path, body).refused(400, problem.CodeInvalidRequest)
			}
		}
	})
	s.ask("PATCH", chat, fields{"metadata": fields{"a": 1}}).is(200)
	if got := s.ask("PATCH", chat, fields{"metadata": nil}).is(200); jsonText(got.at("metadata")) != `{}` {
		t.Errorf("null left %s", got.body)
	}
	if got := s.ask("PATCH", world, fields{"metadata": nil}).is(200); jsonText(got.at("world.metadata")) != `{"a":1}` { // its members would replace those there
		t.Errorf("null left %s", got.body)
	}
}

func TestAWorldThatIsThereIsToldOfAsItWasMade(t *testing.T) {
	t.Parallel()
	s := serve(t)
	one, other := s.newAgent("One"), s.newAgent("Other")
	made := s.ask("POST", "/api/agents/"+one+"/worlds", fields{"name": "Home", "serverId": "lan", "metadata": fields{"a": 1}}).is(201)
	known := s.ask("POST", "/api/agents/"+other+"/worlds", fields{"worldId": made.text("world.id"), "name": "Mine", "serverId": "wan"}).is(201)
	if jsonText(known.at("world")) != jsonText(made.at("world")) {
		t.Errorf("made %s, and then told of %s", made.body, known.body)
	}
	listed := s.ask("GET", "/api/agents/"+one+"/worlds", nil).is(200)
	if jsonText(listed.at("worlds.0")) != jsonText(made.at("world")) {
		t.Errorf("made %s, and listed %s", made.body, listed.body)
	}
}
