package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/secrets"
)

func TestTheHistoryNamesSecretsAndDoesNotShowThem(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.Ask("POST", "/api/agents", fields{"characterJson": fields{"name": "A", "bio": "b", "settings": fields{"secrets": fields{"TOKEN": "first"}}}}).Is(201).Text("id")
	path := "/api/agents/" + agent
	first := s.Ask("GET", path, nil).Is(200).Text("settings.secrets.TOKEN")
	second := s.Ask("PATCH", path, fields{"settings": fields{"secrets": fields{"TOKEN": "second"}}}).Is(200).Text("settings.secrets.TOKEN")
	if !secrets.IsEncrypted(first) || !secrets.IsEncrypted(second) || first == second {
		t.Fatalf("%q, %q", first, second)
	}
	for _, story := range []string{
		"/api/history/events?agent=" + agent, "/api/history/events?agent=" + agent + "&format=ndjson", "/api/history/agents/" + agent,
		"/api/history/agents/" + agent + "?asOf=2099-01-01",
	} {
		body := string(s.Ask("GET", story, nil).Is(200).Body)
		if strings.Contains(body, first) || strings.Contains(body, second) || !strings.Contains(body, `"TOKEN":"[secret]"`) {
			t.Errorf("%s: %s", story, body)
		}
	}
}

func TestSecretsOfAnEarlierSaltAreEncryptedAnewWhenTheAgentChanges(t *testing.T) {
	t.Parallel()
	now := secrets.New("now")
	s := serve(t, func(o *httpapi.Options) { o.Secrets = now })
	legacy, err := secrets.New("secretsalt").Seal(json.RawMessage(`{"secrets":{"K":"plain"}}`), func(string) (iv [16]byte) { return iv })
	must(t, err)
	var character events.Character
	must(t, json.Unmarshal(legacy, &character))
	var sealed string
	must(t, json.Unmarshal(character.Secrets["K"].Reveal(), &sealed))
	id := uuid.New()
	character.Name, character.Bio = "A", json.RawMessage(`"b"`)
	must(t, httpapitest.Do(s.Env, commands.CreateAgent{AgentID: id, Character: character}))
	s.CaughtUp()
	agent := id.String()
	path := "/api/agents/" + agent
	shown := func() string { return s.Ask("GET", path, nil).Is(200).Text("settings.secrets.K") }
	if got := shown(); got != sealed || now.Decrypt(got) != "plain" {
		t.Fatalf("before: %s", got)
	}
	s.Ask("PATCH", path, fields{}).Is(200)
	if got := shown(); got != sealed {
		t.Errorf("a change of nothing made it %s", got)
	}
	s.Ask("PATCH", path, fields{"bio": "another"}).Is(200)
	if got := shown(); got == sealed || now.Decrypt(got) != "plain" {
		t.Errorf("after a change: %s", got)
	}
}
