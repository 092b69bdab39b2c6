package httpapi_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
)

// conversation makes a channel in which Ann has said something.
func (s *fixture) conversation(server string, texts ...string) string {
	s.T.Helper()
	channel := s.Ask("POST", "/api/messaging/central-channels", fields{
		"name": "talk", "server_id": server, "participantCentralUserIds": []string{ann},
	}).Is(201).Text("id")
	for _, text := range texts {
		s.Ask("POST", "/api/messaging/central-channels/"+channel+"/messages", fields{
			"author_id": ann, "content": text, "server_id": server,
		}).Is(201)
	}
	return channel
}

func TestAConversationIsNamed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Eliza")
	channel := s.conversation("0", "one", "two", "three")
	path := "/api/messaging/central-channels/" + channel + "/generate-title"
	few := s.Ask("POST", path, fields{"agentId": agent}).Is(200)
	if few.At("title") != nil || few.Text("reason") != "Not enough messages to generate a title" || few.Text("channelId") != channel {
		t.Errorf("of three messages: %s", few.Body)
	}
	s.Ask("POST", "/api/messaging/central-channels/"+channel+"/messages", fields{"author_id": ann, "content": "four", "server_id": "0"}).Is(201)
	if named := s.Ask("POST", path, fields{"agentId": agent}).Is(200); named.Text("title") != "A title" {
		t.Errorf("of four: %s", named.Body)
	}
	s.Ask("POST", path+"?limit=3", fields{"agentId": agent}).Is(200)
	s.Ask("POST", path, fields{}).Refused(400, problem.CodeInvalidRequest)
	s.Ask("POST", path, fields{"agentId": "nope"}).Refused(400, problem.CodeInvalidRequest)
	s.Ask("POST", path, fields{"agentId": unknown}).Refused(404, problem.CodeNotFound)
	s.Ask("POST", "/api/messaging/central-channels/nope/generate-title", fields{"agentId": agent}).Refused(400, problem.CodeInvalidID)
	s.Ask("POST", "/api/agents/"+agent+"/stop", nil).Is(200)
	s.Ask("POST", path, fields{"agentId": agent}).Refused(404, problem.CodeNotFound)
}

func TestAModelThatGivesNoTitleIsNoDefect(t *testing.T) {
	t.Parallel()
	title, failure := "", error(nil)
	s := serve(t, func(o *httpapi.Options) {
		o.Messaging.Titles = httpapitest.Naming(func() (string, error) { return title, failure })
	})
	agent := s.newAgent("Eliza")
	path := "/api/messaging/central-channels/" + s.conversation("0", "one", "two", "three", "four") + "/generate-title"
	if none := s.Ask("POST", path, fields{"agentId": agent}).Is(200); none.At("title") != nil || none.Text("reason") == "" {
		t.Errorf("without a title: %s", none.Body)
	}
	failure = errors.New("the model said something private")
	if failed := s.Ask("POST", path, fields{"agentId": agent}).Refused(503, problem.CodeUnavailable); strings.Contains(string(failed.Body), "private") {
		t.Errorf("it tells: %s", failed.Body)
	}
}

func TestAServerIsDeletedWithItsChannels(t *testing.T) {
	t.Parallel()
	s := serve(t)
	server := s.Ask("POST", "/api/messaging/servers", fields{"name": "S", "sourceType": "t"}).Is(201).Text("server.id")
	channel := s.conversation(server, "hello")
	path := "/api/messaging/servers/" + server
	s.Ask("DELETE", path, nil).Is(204)
	s.Ask("DELETE", path, nil).Is(204)
	s.Ask("GET", path, nil).Refused(404, problem.CodeNotFound)
	s.Ask("GET", "/api/messaging/central-channels/"+channel+"/details", nil).Refused(404, problem.CodeNotFound)
	if left := s.Ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).Is(200).At("channels").([]any); len(left) > 0 {
		t.Errorf("channels that are left: %v", left)
	}
	s.Ask("POST", "/api/messaging/channels", fields{"serverId": server, "name": "n", "type": "GROUP"}).Refused(404, problem.CodeNotFound)
	s.Ask("DELETE", "/api/messaging/servers/0", nil).Refused(400, problem.CodeInvalidRequest)
	s.Ask("DELETE", "/api/messaging/servers/"+unknown, nil).Refused(404, problem.CodeNotFound)
	s.Ask("DELETE", "/api/messaging/servers/nope", nil).Refused(400, problem.CodeInvalidID)
}

// A post that was admitted before the deletion and recorded after it is dead; one that saw the deletion opens the channel anew.
func TestPostsInParallelWithADeletionAreListedOnlyWhereTheyAreThere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	dead := 0
	for range 5 {
		path := "/api/messaging/central-channels/" + s.conversation("0", "before")
		var posted [30]answered
		var all sync.WaitGroup
		for i := range posted {
			if i == len(posted)/2 {
				all.Go(func() { s.Ask("DELETE", path, nil).Is(204) })
			}
			all.Go(func() {
				posted[i] = s.Ask("POST", path+"/messages", fields{"author_id": ann, "content": "at the same time", "server_id": "0"})
			})
		}
		all.Wait()
		s.CaughtUp()
		listed := map[string]bool{}
		for _, m := range s.Ask("GET", path+"/messages?limit=100", nil).Is(200).At("messages").([]any) {
			listed[m.(map[string]any)["id"].(string)] = true
		}
		for _, p := range posted {
			id := p.Is(201).Text("id")
			m, err := s.Env.States.MessageNow(t.Context(), uuid.MustParse(id))
			must(t, err)
			if listed[id] != m.Exists {
				t.Errorf("a message that is there: %v, is listed: %v", m.Exists, listed[id])
			}
			if !m.Exists {
				dead++
			}
		}
	}
	t.Logf("%d of 150 messages were dead", dead)
}

func TestChannelsAreSyncedByWhatTheyAreElsewhere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	server := s.Ask("POST", "/api/messaging/servers", fields{"name": "S", "sourceType": "discord"}).Is(201).Text("server.id")
	path := "/api/messaging/servers/" + server + "/sync-channels"
	wanted := fields{"channels": []fields{{"name": "a", "type": "GROUP", "sourceId": "1"}, {"name": "b", "type": "FEED", "sourceId": "2"}}}
	first := s.Ask("POST", path, wanted).Is(200)
	if first.At("synced") != 2.0 {
		t.Errorf("synced: %s", first.Body)
	}
	before := s.Head()
	wanted["channels"] = wanted["channels"].([]fields)[:1]
	again := s.Ask("POST", path, wanted).Is(200)
	if again.At("channels").([]any)[0] != first.At("channels").([]any)[0] || s.Head() != before {
		t.Errorf("again: %s", again.Body)
	}
	var names []string
	for _, c := range s.Ask("GET", "/api/messaging/central-servers/"+server+"/channels", nil).Is(200).At("channels").([]any) {
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
		s.Ask("POST", path, bad).Refused(400, problem.CodeInvalidRequest)
	}
	s.Ask("POST", "/api/messaging/servers/"+unknown+"/sync-channels", wanted).Refused(404, problem.CodeNotFound)
	if s.Head() != before {
		t.Error("a refused request has left something")
	}
}

func TestMessagesAreSearched(t *testing.T) {
	t.Parallel()
	s := serve(t)
	channel := s.conversation("0", "a cat", "a dog", "another cat")
	found := func(body fields) string {
		var texts []string
		for _, m := range s.Ask("POST", "/api/messaging/messages/search", body).Is(200).At("messages").([]any) {
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
		s.Ask("POST", "/api/messaging/messages/search", bad).Refused(400, problem.CodeInvalidRequest)
	}
	s.Ask("POST", "/api/messaging/messages/search", fields{"channelId": "nope"}).Refused(400, problem.CodeInvalidID)
}

func TestTheLocalEnvironmentIsReplacedAndItsKeysRecorded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	path := "/api/system/env/local"
	var shown map[string]string
	if s.Ask("GET", path, nil).Is(200).Data(&shown); len(shown) != 0 {
		t.Errorf("at first: %v", shown)
	}
	wrote := s.Ask("POST", path, fields{"content": fields{"B": "x y #z", "A": nil, "N": 5, "T": true}}).Is(200)
	if !strings.Contains(string(wrote.Body), `"message":"Local env updated"`) {
		t.Errorf("written: %s", wrote.Body)
	}
	s.Ask("GET", path, nil).Is(200).Data(&shown)
	if got := jsonText(shown); got != `{"A":"","B":"x y #z","N":"5","T":"true"}` {
		t.Errorf("read: %s", got)
	}
	file := filepath.Join(s.Options.System.DataDir, ".env")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	s.Ask("POST", path, fields{"content": fields{"B": "secret value", "N": 5}}).Is(200)
	fact := s.Last()
	if e, ok := fact.Event.(events.EnvironmentChanged); !ok || strings.Join(e.Keys, " ") != "A B T" {
		t.Errorf("recorded: %+v", fact.Event)
	}
	if raw, err := json.Marshal(fact); err != nil || strings.Contains(string(raw), "secret value") || strings.Contains(s.Logs.String(), "secret value") {
		t.Error("a value is recorded or logged")
	}
	before := s.Head()
	for _, bad := range []any{fields{}, fields{"content": nil}, fields{"content": fields{"a b": "x"}}, fields{"content": fields{"A": []int{}}}, fields{"content": fields{"A\nB": "x"}}} {
		s.Ask("POST", path, bad).Refused(400, problem.CodeInvalidInput)
	}
	s.Ask("POST", path, fields{"content": []string{"x"}}).Refused(400, problem.CodeInvalidRequest)
	s.Ask("POST", path, fields{"content": fields{"B": "y"}}, "Origin", "http://localhost:1").Refused(403, problem.CodeForbidden)
	s.Ask("GET", path, nil, "Origin", "http://localhost:1").Refused(403, problem.CodeForbidden)
	if text, err := os.ReadFile(file); err != nil || string(text) != "B=secret value\n\nN=5\n" || s.Head() != before {
		t.Errorf("after refusals: %q %v", text, err)
	}
}

func TestConfigurationAndCapabilitiesAreShown(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if got := s.Ask("GET", "/api/system/env", nil).Is(200).Text("DATA_DIR"); got != "here" {
		t.Errorf("configuration: %s", got)
	}
	found := s.Ask("GET", "/api/system/capabilities", nil).Is(200)
	if len(found.At("models").([]any)) != 1 || len(found.At("plugins").([]any)) != 0 {
		t.Errorf("capabilities: %s", found.Body)
	}
}

func TestWhoWaitsForAReplyIsToldHowEachTurnEnded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	body := fields{"author_id": ann, "content": "hello", "server_id": "0"}
	if got := s.Ask("POST", chat+"/messages?wait=reply", body).Is(201); jsonText(got.At("replies")) != "[]" || jsonText(got.At("turns")) != "[]" {
		t.Errorf("where nobody is: %s", got.Body)
	}
	if got := s.Ask("POST", chat+"/messages", body).Is(201); strings.Contains(string(got.Body), `"turns"`) {
		t.Errorf("without waiting: %s", got.Body)
	}
	agent := s.newAgent("Iris")
	channel := s.Ask("POST", "/api/messaging/central-channels", fields{
		"name": "x", "type": "DM", "server_id": "0", "participantCentralUserIds": []string{ann, agent},
	}).Is(201).Text("id")
	path := "/api/messaging/central-channels/" + channel + "/messages"
	message := uuid.MustParse(s.Ask("POST", path, body, "Idempotency-Key", "k").Is(201).Text("id"))
	must(t, httpapitest.Do(s.Env, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
		TurnID: events.TurnID(message, uuid.MustParse(agent)), ChannelID: uuid.MustParse(channel), AgentID: uuid.MustParse(agent), MessageID: message,
		Outcome: events.TurnFailed, Reason: "the model refused: it answered 401",
	}}))
	got := s.Ask("POST", path+"?wait=reply", body, "Idempotency-Key", "k").Is(201)
	if jsonText(got.At("replies")) != "[]" || got.At("turns.0.agentId") != agent || got.At("turns.0.outcome") != "failed" ||
		got.At("turns.0.reason") != "the model refused: it answered 401" {
		t.Errorf("after a failure: %s", got.Body)
	}
}
