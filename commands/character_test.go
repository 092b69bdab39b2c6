package commands_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

// fullCharacter has every key that a character may have, and everything that each may hold.
const fullCharacter = `{
	"id": "B850BC30-45f8-0041-a00a-83df46d8555d", "name": "Eliza", "username": "eliza", "system": "You listen.",
	"templates": {"greeting": "Hello, {{name}}."}, "bio": ["listens", "asks"],
	"messageExamples": [[{"name": "{{name1}}", "content": {
		"text": "hi", "thought": "t", "actions": ["REPLY"], "providers": ["p"], "source": "s", "target": "t", "url": "u",
		"inReplyTo": "a11ce000-0000-4000-8000-000000000000", "attachments": [{}, 1], "channelType": "DM", "mine": [1.50]
	}, "mine": true}], []],
	"postExamples": ["p"], "topics": ["t"], "adjectives": [],
	"knowledge": ["k", {"path": "x.md", "shared": true}, {"directory": "d"}], "plugins": ["@elizaos/plugin-sql"],
	"settings": {"model": "m", "deep": {"n": 12345678901234567890}, "secrets": {"KEY": "07:1b", "BOTH": "inner"}},
	"secrets": {"BOTH": "outer", "FLAG": true, "NUM": 5},
	"style": {"all": ["brief"], "chat": [], "post": ["p"], "mine": 1}
}`

func TestACharacterIsReadWhole(t *testing.T) {
	t.Parallel()
	c, err := ParseCharacter(json.RawMessage(fullCharacter))
	if err != nil {
		t.Fatal(err)
	}
	secret := func(v string) events.Secret { return events.NewSecret(json.RawMessage(v)) }
	want := events.Character{
		Name: "Eliza", Username: "eliza", System: "You listen.",
		Templates: json.RawMessage(`{"greeting": "Hello, {{name}}."}`), Bio: json.RawMessage(`["listens", "asks"]`),
		MessageExamples: json.RawMessage(`[[{"name":"{{name1}}","content":{"text":"hi","thought":"t","actions":["REPLY"],"providers":["p"],` +
			`"source":"s","target":"t","url":"u","inReplyTo":"a11ce000-0000-4000-8000-000000000000","attachments":[{},1],"channelType":"DM","mine":[1.50]},"mine":true}],[]]`),
		PostExamples: []string{"p"}, Topics: []string{"t"}, Adjectives: []string{},
		Knowledge: json.RawMessage(`["k",{"path":"x.md","shared":true},{"directory":"d"}]`), Plugins: []string{"@elizaos/plugin-sql"},
		Settings: map[string]json.RawMessage{"model": json.RawMessage(`"m"`), "deep": json.RawMessage(`{"n":12345678901234567890}`)},
		Secrets:  map[string]events.Secret{"KEY": secret(`"07:1b"`), "BOTH": secret(`"inner"`), "FLAG": secret("true"), "NUM": secret("5")},
		Style:    json.RawMessage(`{"all":["brief"],"chat":[],"post":["p"],"mine":1}`),
	}
	if got, want := Show(events.AgentCreated{Character: c}), Show(events.AgentCreated{Character: want}); got != want {
		t.Errorf("the character is\n%s\nnot\n%s", got, want)
	}
}

func TestNameAndBioAreEnough(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{
		`"settings": {}`, `"secrets": {}`, `"style": {}`, `"templates": {}`, `"knowledge": [{"path": "p"}, {"directory": "d"}]`,
		`"messageExamples": [[{"name": "n", "content": {}}]]`,
	} {
		if _, err := ParseCharacter(json.RawMessage(with(keys))); err != nil {
			t.Errorf("%s is refused: %v", with(keys), err)
		}
	}
}

func TestTheLastOfEqualKeysCounts(t *testing.T) {
	t.Parallel()
	c, err := ParseCharacter(json.RawMessage(
		`{"name": 5, "name": "Eliza", "bio": [], "settings": {"a": 1, "secrets": {"KEY": "plain"}}, "settings": {"b": 2}}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Settings) != 1 || string(c.Settings["b"]) != "2" || len(c.Secrets) > 0 {
		t.Errorf("the settings are %s with %d secrets", c.Settings, len(c.Secrets))
	}
}

// with is a character that is fine but for these keys.
func with(keys string) string { return `{"name": "X", "bio": "b", ` + keys + `}` }

func TestACharacterIsRefusedInElizaOSsWords(t *testing.T) {
	t.Parallel()
	example := func(content string) string {
		return with(`"messageExamples": [[{"name": "n", "content": ` + content + `}]]`)
	}
	for _, c := range []struct{ character, words string }{
		// Recorded.
		{
			`{"name": 5, "bio": 7, "topics": "x", "style": [], "knowledge": [5]}`,
			"name: Expected string, received number; bio: Invalid input; topics: Expected array, received string; " +
				"knowledge.0: Invalid input; style: Expected object, received array",
		},
		{`{"id": "zz", "name": "X", "bio": []}`, "id: Invalid UUID format"},
		// What the contract tells.
		{`{}`, "name: Required; bio: Invalid input"},
		{`{"name": "", "bio": "b"}`, "name: Character name is required"},
		{with(`"zzz": 1, "yyy": 2`), ": Unrecognized key(s) in object: 'zzz', 'yyy'"},
		{with(`"zzz": 1, "zzz": 2, "Name": "x"`), ": Unrecognized key(s) in object: 'zzz', 'Name'"},
		{`{"bio": "b", "zzz": 1}`, "name: Required; : Unrecognized key(s) in object: 'zzz'"},
		// Every other key, and every kind of value.
		{with(`"id": 5`), "id: Expected string, received number"},
		{with(`"id": "b850bc3045f80041a00a83df46d8555d"`), "id: Invalid UUID format"},
		{with(`"username": null`), "username: Expected string, received null"},
		{with(`"system": true`), "system: Expected string, received boolean"},
		{with(`"templates": []`), "templates: Expected object, received array"},
		{with(`"templates": {"a": "b", "c": {}}`), "templates.c: Expected string, received object"},
		{`{"name": "X", "bio": null}`, "bio: Invalid input"},
		{`{"name": "X", "bio": ["b", 5]}`, "bio: Invalid input"},
		{with(`"postExamples": {}`), "postExamples: Expected array, received object"},
		{with(`"topics": ["a", 5, "b", false]`), "topics.1: Expected string, received number; topics.3: Expected string, received boolean"},
		{with(`"adjectives": 1`), "adjectives: Expected array, received number"},
		{with(`"plugins": [null]`), "plugins.0: Expected string, received null"},
		{with(`"knowledge": "k"`), "knowledge: Expected array, received string"},
		{
			with(`"knowledge": ["k", {"path": 5}, {"shared": true}, {"path": "p", "shared": 1}]`),
			"knowledge.1: Invalid input; knowledge.2: Invalid input; knowledge.3: Invalid input",
		},
		{with(`"settings": []`), "settings: Expected object, received array"},
		{with(`"secrets": {"a": {}, "b": null}`), "secrets.a: Invalid input; secrets.b: Invalid input"},
		{
			with(`"style": {"all": "x", "chat": [5], "post": {}}`),
			"style.all: Expected array, received string; style.chat.0: Expected string, received number; " +
				"style.post: Expected array, received object",
		},
		{
			with(`"messageExamples": [5, [6]]`),
			"messageExamples.0: Expected array, received number; messageExamples.1.0: Expected object, received number",
		},
		{with(`"messageExamples": [[{}]]`), "messageExamples.0.0.name: Required; messageExamples.0.0.content: Required"},
		{example(`{"text": 1, "actions": [2], "inReplyTo": "x", "attachments": {}}`), "messageExamples.0.0.content.text: Expected string, received number; " +
			"messageExamples.0.0.content.actions.0: Expected string, received number; messageExamples.0.0.content.inReplyTo: Invalid UUID format; " +
			"messageExamples.0.0.content.attachments: Expected array, received object"},
		{`[]`, ": Expected object, received array"},
		{`"Eliza"`, ": Expected object, received string"},
		{`null`, ": Expected object, received null"},
		{`{"name": `, ": not valid JSON"},
	} {
		_, err := ParseCharacter(json.RawMessage(c.character))
		if want := "Character validation failed: " + c.words; !errors.Is(err, ErrRefused) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s is refused with\n%v\nnot\n%s", c.character, err, want)
		}
	}
}

func TestARefusalStaysShort(t *testing.T) {
	t.Parallel()
	fives := strings.TrimSuffix(strings.Repeat("5, ", 10000), ", ")
	_, err := ParseCharacter(json.RawMessage(with(`"topics": [` + fives + `], "messageExamples": [[` + fives + `], [` + fives + `]]`)))
	if err == nil || len(err.Error()) > 20000 {
		t.Errorf("the refusal is %v", err)
	}
	keys := make([]string, 10000)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"key %d": 1`, i)
	}
	_, err = ParseCharacter(json.RawMessage(with(strings.Join(keys, ", "))))
	if err == nil || len(err.Error()) > 20000 {
		t.Errorf("the refusal of unknown keys is %v", err)
	}
}
