package httpapi

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"annals/events"
	"annals/transport/problem"
)

// conversation makes a channel in which Ann has said something.
func (s *fixture) conversation(server string, texts ...string) string {
	s.t.Helper()
	channel := s.ask("POST", "/api/messaging/central-channels", fields{
		"name": "talk", "server_id": server, "participantCentralUserIds": []string{ann},
	}).is(201).text("id")
	for _, text := range texts {
		s.ask("POST", "/api/messaging/central-channels/"+channel+"/messages", fields{
			"author_id": ann, "content": text, "server_id": server,
		}).is(201)
	}
	return channel
}

func TestAConversationIsNamed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Eliza")
	channel := s.conversation("0", "one", "two", "three")
	path := "/api/messaging/central-channels/" + channel + "/generate-title"
	few := s.ask("POST", path, fields{"agentId": agent}).is(200)
	if few.at("title") != nil || few.text("reason") != "Not enough messages to generate a title" || few.text("channelId") != channel {
		t.Errorf("of three messages: %s", few.body)
	}
	s.ask("POST", "/api/messaging/central-channels/"+channel+"/messages", fields{"author_id": ann, "content": "four", "server_id": "0"}).is(201)
	if named := s.ask("POST", path, fields{"agentId": agent}).is(200); named.text("title") != "A title" {
		t.Errorf("of four: %s", named.body)
	}
	s.ask("POST", path+"?limit=3", fields{"agentId": agent}).is(200)
	s.ask("POST", path, fields{}).refused(400, problem.CodeInvalidRequest)
	s.ask("POST", path, fields{"agentId": "nope"}).refused(400, problem.CodeInvalidRequest)
	s.ask("POST", path, fields{"agentId": unknown}).refused(404, problem.CodeNotFound)
	s.ask("POST", "/api/messaging/central-channels/nope/generate-title", fields{"agentId": agent}).refused(400, problem.CodeInvalidID)
	s.ask("POST", "/api/agents/"+agent+"/stop", nil).is(200)
	s.ask("POST", path, fields{"agentId": agent}).refused(404, problem.CodeNotFound)
}

func TestAModelThatGivesNoTitleIsNoDefect(t *testing.T) {
	t.Parallel()
	title, failure := "", error(nil)
	s := serve(t, func(o *Options) { o.Messaging.Titles = naming(func() (string, error) { return title, failure }) })
	agent := s.newAgent("Eliza")
	path := "/api/messaging/central-channels/" + s.conversation("0", "one", "two", "three", "four") + "/generate-title"
	if none := s.ask("POST", path, fields{"agentId": agent}).is(200); none.at("title") != nil || none.text("reason") == "" {
		t.Errorf("without a title: %s", none.body)
	}
	failure = errors.New("the model said something private")
	if failed := s.ask("POST", path, fields{"agentId": agent}).refused(503, problem.CodeUnavailable); strings.Contains(string(failed.body), "private") {
		t.Errorf("it tells: %s", failed.body)
	}
}

func TestAServerIsDeletedWithItsChannels(t *testing.T) {
	t.Parallel()
	s := serve(t)
	server := s.ask("POST", "/api/messaging/servers", fields{"name": "S", "sourceType": "t"}).is(201).text("server.id")
	channel := s.conversation(server, "hello")
	path := "/api/messaging/servers/" + server
	s.ask("DELETE", path, nil).is(204)
	s.ask("DELETE", path, nil).is(204)
	s.ask("GET", path, nil).refused(404, problem.CodeNotFound)
	s.ask("GET", "/api/messaging/central-channels/"+channel+"/details", nil).refused(404, problem.CodeNotFound)
	if left := s.ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).is(200).at("channels").([]any); len(left) > 0 {
		t.Errorf("channels that are left: %v", left)
	}
	s.ask("POST", "/api/messaging/channels", fields{"serverId": server, "name": "n", "type": "GROUP"}).refused(404, problem.CodeNotFound)
	s.ask("DELETE", "/api/messaging/servers/0", nil).refused(400, problem.CodeInvalidRequest)
	s.ask("DELETE", "/api/messaging/servers/"+unknown, nil).refused(404, problem.CodeNotFound)
	s.ask("DELETE", "/api/messaging/servers/nope", nil).refused(400, problem.CodeInvalidID)
}

func TestChannelsAreSyncedByWhatTheyAreElsewhere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	server := s.ask("POST", "/api/messaging/servers", fields{"name": "S", "sourceType": "discord"}).is(201).text("server.id")
	path := "/api/messaging/servers/" + server + "/sync-channels"
	wanted := fields{"channels": []fields{{"name": "a", "type": "GROUP", "sourceId": "1"}, {"name": "b", "type": "FEED", "sourceId": "2"}}}
	first := s.ask("POST", path, wanted).is(200)
	if first.at("synced") != 2.0 {
		t.Errorf("synced: %s", first.body)
	}
	before := s.head()
	wanted["channels"] = wanted["channels"].([]fields)[:1]
	again := s.ask("POST", path, wanted).is(200)
	if again.at("channels").([]any)[0] != first.at("channels").([]any)[0] || s.head() != before {
		t.Errorf("again: %s", again.body)
	}
	var names []string
	for _, c := range s.ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).is(200).at("channels").([]any) {
		names = append(names, c.(fields)["name"].(string)+" "+c.(fields)["type"].(string)+" "+c.(fields)["sourceType"].(string))
	}
	if got := strings.Join(names, ", "); got != "a GROUP discord, b FEED discord" {
		t.Errorf("channels: %s", got)
	}
	for _, bad := range []any{
		fields{},
		fields{"channels": "x"},
		fields{"channels": []fields{{"name": "x"}}},
		fields{"channels": []fields{{"name": "x", "sourceId": "7"}, {}}},
		fields{"channels": []fields{{"name": "x", "sourceId": "7"}, {"name": "y", "sourceId": "7"}}},
	} {
		s.ask("POST", path, bad).refused(400, problem.CodeInvalidRequest)
	}
	s.ask("POST", "/api/messaging/servers/"+unknown+"/sync-channels", wanted).refused(404, problem.CodeNotFound)
	if s.head() != before {
		t.Error("a refused request has left something")
	}
}

func TestMessagesAreSearched(t *testing.T) {
	t.Parallel()
	s := serve(t)
	channel := s.conversation("0", "a cat", "a dog", "another cat")
	found := func(body fields) string {
		var texts []string
		for _, m := range s.ask("POST", "/api/messaging/messages/search", body).is(200).at("messages").([]any) {
			texts = append(texts, m.(fields)["content"].(string))
		}
		return strings.Join(texts, ", ")
	}
	for want, body := range map[string]fields{
		"another cat, a cat":        {"query": "cat"},
		"a dog":                     {"page": 2, "limit": 1},
		"a cat":                     {"query": "cat", "limit": 1, "offset": 1, "channelId": channel},
		" a dog":                    {"query": "dog", "authorId": strings.ToUpper(ann), "from": 0, "to": "2100-01-01T00:00:00Z"},
		"another cat, a dog, a cat": {},
		"":                          {"query": "cat", "authorId": unknown},
	} {
		if got := found(body); got != strings.TrimSpace(want) {
			t.Errorf("%v finds %q, not %q", body, got, want)
		}
	}
	for _, bad := range []fields{{"from": "soon"}, {"limit": -1}, {"offset": -1}, {"page": -1}, {"offset": 1 << 40}, {"query": strings.Repeat("x", 2000)}, {"query": []int{}}} {
		s.ask("POST", "/api/messaging/messages/search", bad).refused(400, problem.CodeInvalidRequest)
	}
	s.ask("POST", "/api/messaging/messages/search", fields{"channelId": "nope"}).refused(400, problem.CodeInvalidID)
}

func TestTheLocalEnvironmentIsReplacedAndItsKeysRecorded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	path := "/api/system/env/local"
	var shown map[string]string
	if s.ask("GET", path, nil).is(200).data(&shown); len(shown) != 0 {
		t.Errorf("at first: %v", shown)
	}
	wrote := s.ask("POST", path, fields{"content": fields{"B": "x y #z", "A": nil, "N": 5, "T": true}}).is(200)
	if !strings.Contains(string(wrote.body), `"message":"Local env updated"`) {
		t.Errorf("written: %s", wrote.body)
	}
	s.ask("GET", path, nil).is(200).data(&shown)
	if got := jsonText(shown); got != `{"A":"","B":"x y #z","N":"5","T":"true"}` {
		t.Errorf("read: %s", got)
	}
	file := filepath.Join(s.options.System.DataDir, ".env")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	s.ask("POST", path, fields{"content": fields{"B": "secret value", "N": 5}}).is(200)
	fact := s.last()
	if e, ok := fact.Event.(events.EnvironmentChanged); !ok || strings.Join(e.Keys, " ") != "A B T" {
		t.Errorf("recorded: %+v", fact.Event)
	}
	if raw, err := json.Marshal(fact); err != nil || strings.Contains(string(raw), "secret value") || strings.Contains(s.logs.String(), "secret value") {
		t.Error("a value is recorded or logged")
	}
	before := s.head()
	for _, bad := range []any{fields{}, fields{"content": nil}, fields{"content": fields{"a b": "x"}}, fields{"content": fields{"A": []int{}}}, fields{"content": fields{"A\nB": "x"}}} {
		s.ask("POST", path, bad).refused(400, problem.CodeInvalidInput)
	}
	s.ask("POST", path, fields{"content": []string{"x"}}).refused(400, problem.CodeInvalidRequest)
	s.ask("POST", path, fields{"content": fields{"B": "y"}}, "Origin", "http://localhost:1").refused(403, problem.CodeForbidden)
	s.ask("GET", path, nil, "Origin", "http://localhost:1").refused(403, problem.CodeForbidden)
	if text, err := os.ReadFile(file); err != nil || string(text) != "B=secret value\n\nN=5\n" || s.head() != before {
		t.Errorf("after refusals: %q %v", text, err)
	}
}

func TestConfigurationAndCapabilitiesAreShown(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if got := s.ask("GET", "/api/system/env", nil).is(200).text("DATA_DIR"); got != "here" {
		t.Errorf("configuration: %s", got)
	}
	found := s.ask("GET", "/api/system/capabilities", nil).is(200)
	if len(found.at("models").([]any)) != 1 || len(found.at("plugins").([]any)) != 0 {
		t.Errorf("capabilities: %s", found.body)
	}
}
