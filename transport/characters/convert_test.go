package characters

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"annals/commands"
)

var update = flag.Bool("update", false, "write testdata instead of comparing with it")

func TestAnOldCharacterIsConvertedFieldByField(t *testing.T) {
	t.Parallel()
	old, err := os.ReadFile("testdata/gardener.json")
	if err != nil {
		t.Fatal(err)
	}
	character, changes, err := Convert(old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := commands.ParseCharacter(character); err != nil {
		t.Error(err)
	}
	got, err := json.MarshalIndent(map[string]any{"character": character, "changes": changes}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/gardener.converted.json", append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/gardener.converted.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(bytes.TrimSpace(want)), string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if bytes.Contains(got, []byte("12:secret")) {
		t.Error("a secret is left where settings are shown")
	}
}

func TestABioIsTakenFromWhereThereIsOne(t *testing.T) {
	t.Parallel()
	for old, bio := range map[string]string{
		`{"name":"A","bio":["b"],"lore":["l"]}`:                                 `["b","l"]`,
		`{"name":"A","bio":"b","lore":[]}`:                                      `"b"`,
		`{"name":"A","bio":"b","lore":"l"}`:                                     `["b","l"]`,
		`{"name":"A","lore":["l"],"system":"s"}`:                                `["l"]`,
		`{"name":"A","bio":[],"lore":["l"]}`:                                    `["l"]`,
		`{"name":"A","bio":"","clients":[],"system":"s"}`:                       `"s"`,
		`{"name":"A","bio":null,"lore":[],"system":"s"}`:                        `"s"`,
		`{"name":"A","modelProvider":"openai"}`:                                 "",
		`{"name":"A","bio":[],"lore":[null],"system":" ","clients":["direct"]}`: "",
	} {
		character, _, err := Convert([]byte(old))
		if bio == "" {
			if !errors.Is(err, ErrNoBio) {
				t.Errorf("%s: %s, %v", old, character, err)
			}
			continue
		}
		if got := object(character)["bio"]; err != nil || string(got) != bio {
			t.Errorf("%s: bio is %s, want %s (%v)", old, got, bio, err)
		}
	}
}

func TestACharacterOfTodayIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, character := range []string{
		`{"name":"A","bio":"b"}`,
		`{"name":"A", "bio":["b"], "zzz":1}`,
		`{"bio":"b"}`,
		`{"name":"A","bio":"b","messageExamples":[[{"name":"B","content":{"text":"\"user\": is a word"}}]]}`,
		`{"name":"A","bio":"b","messageExamples":[[{"name":"B","user":"B","content":{"text":"hi"}}]]}`,
		`[]`, `null`, `"lore"`, `{`,
	} {
		got, changes, err := Convert([]byte(character))
		if err != nil || string(got) != character || changes != nil {
			t.Errorf("%s became %s, %+v, %v", character, got, changes, err)
		}
	}
}

func TestEveryChangeIsNamed(t *testing.T) {
	t.Parallel()
	_, changes, err := Convert([]byte(`{"name":"A","bio":"b","lore":["l"],"clients":["discord"],"modelProvider":"groq","people":[],"age":3}`))
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, c := range changes {
		named = append(named, c.Field+" "+c.Outcome)
	}
	slices.Sort(named)
	if got := strings.Join(named, ", "); got != "age kept, clients kept, lore converted, modelProvider converted, people dropped" {
		t.Error(got)
	}
}

func TestAPatchNeedsNoBioAndMayDelete(t *testing.T) {
	t.Parallel()
	for patch, want := range map[string]string{
		`{"messageExamples":[[{"user":"A","content":{"text":"hi"}}]]}`: `{"messageExamples":[[{"content":{"text":"hi"},"name":"A"}]]}`,
		`{"modelProvider":"groq","system":null,"settings":null}`:       `{"settings":{"modelProvider":"groq"},"system":null}`,
		`{"lore":["l"]}`:                 `{"settings":{"imported":{"lore":["l"]}}}`,
		`{"lore":["l"],"bio":["b"]}`:     `{"bio":["b","l"]}`,
		`{"system":null,"zzz":1}`:        `{"system":null,"zzz":1}`,
		`{"clients":[],"enabled":false}`: `{"enabled":false}`,
	} {
		if got, _, err := ConvertPatch([]byte(patch)); err != nil || string(got) != want {
			t.Errorf("%s became %s, want %s (%v)", patch, got, want, err)
		}
	}
}

// drawnCharacter draws a file that has any value in any field: programs wrote them without a schema. No two texts in it are the same.
func drawnCharacter(rt *rapid.T) string {
	names := []string{"user", "name", "text", "content", "action", "actions", "path", "directory", "shared", "all", "secrets", "inReplyTo", "token", "é"}
	leaf := rapid.SampledFrom([]string{`null`, `true`, `0`, `-1.50`, `""`, `" "`, `"*"`, `"b850bc30-45f8-0041-a00a-83df46d8555d"`, `[]`, `{}`})
	var value func(depth int) *rapid.Generator[string]
	value = func(depth int) *rapid.Generator[string] {
		if depth == 0 {
			return leaf
		}
		return rapid.OneOf(leaf, rapid.Custom(func(rt *rapid.T) string {
			return "[" + strings.Join(rapid.SliceOfN(value(depth-1), 0, 3).Draw(rt, "entries"), ",") + "]"
		}), rapid.Custom(func(rt *rapid.T) string {
			var members []string
			for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID).Draw(rt, "names") {
				members = append(members, `"`+name+`":`+value(depth-1).Draw(rt, name))
			}
			return "{" + strings.Join(members, ",") + "}"
		}))
	}
	fields := []string{"twitterPassword", "people", "clientConfig", "nested"}
	for name := range today {
		if name != "name" && name != "enabled" {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	old := `{"name":"A","modelProvider":"openai"`
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(fields), rapid.ID).Draw(rt, "fields") {
		old += `,"` + name + `":` + value(3).Draw(rt, name)
	}
	parts := strings.Split(old, "*")
	for i := range parts[1:] {
		parts[i] += fmt.Sprintf("word %d", 1000+i)
	}
	return strings.Join(parts, "") + "}"
}

func TestWhatIsConvertedIsAcceptedToday(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		old := drawnCharacter(rt)
		character, changes, err := Convert([]byte(old))
		if errors.Is(err, ErrNoBio) {
			return
		}
		if err != nil {
			rt.Fatalf("%s: %v", old, err)
		}
		if _, err := commands.ParseCharacter(character); err != nil {
			rt.Fatalf("%s\nbecame %s\n%+v: %v", old, character, changes, err)
		}
		if again, more, err := Convert(character); err != nil || !bytes.Equal(again, character) || len(more) > 0 {
			rt.Fatalf("%s is not of today: %s %+v %v", character, again, more, err)
		}
		alone := func(path string) string { return strings.ReplaceAll(path, ".0", "") + "." } // a value may have become a list of one
		for path, text := range textsByPath("", []byte(old)) {
			named := slices.ContainsFunc(changes, func(c Field) bool {
				return (c.Outcome == Dropped || strings.Contains(c.Note, "text")) && strings.HasPrefix(alone(path), alone(c.Field))
			})
			if !named && !bytes.Contains(character, []byte(text)) {
				rt.Fatalf("%s\nbecame %s\n%s is gone and not named in %+v", old, character, path, changes)
			}
		}
		now := object(character)
		for name := range object([]byte(old)) {
			named := slices.ContainsFunc(changes, func(c Field) bool { return c.Field == name })
			if _, there := now[name]; !there && !named {
				rt.Fatalf("%s\n%s is gone and not named in %+v", old, name, changes)
			}
		}
	})
}

// textsByPath are the words in a value by where they stand.
func textsByPath(path string, v json.RawMessage) map[string]string {
	all := map[string]string{}
	for name, inner := range object(v) {
		maps.Copy(all, textsByPath(strings.TrimPrefix(path+"."+name, "."), inner))
	}
	for i, inner := range list(v) {
		maps.Copy(all, textsByPath(fmt.Sprint(path, ".", i), inner))
	}
	var text string
	if isString(v) && json.Unmarshal(v, &text) == nil && strings.HasPrefix(text, "word ") {
		all[path] = text
	}
	return all
}
