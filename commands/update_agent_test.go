package commands_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

// patch is the wish to change Eliza by a JSON object.
func patch(t rapid.TB, object string) UpdateAgent {
	t.Helper()
	u := UpdateAgent{AgentID: eliza}
	if err := json.Unmarshal([]byte(object), &u.Patch); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	return u
}

func character(t rapid.TB, object string) events.Character {
	t.Helper()
	c, err := ParseCharacter(json.RawMessage(object))
	if err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	return c
}

func TestAPatchChangesACharacterAsElizaOSDoes(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ old, patch, next string }{
		"recorded: secrets and settings are merged": {
			`"bio": "b", "settings": {"model": "m1", "secrets": {"API_KEY": "07:1b", "NUM": 5, "EMPTY": ""}}`,
			`"bio": ["new bio"], "settings": {"secrets": {"API_KEY": null, "NEW": "a5:4c"}, "model": "m2"}`,
			`"bio": ["new bio"], "settings": {"model": "m2", "secrets": {"NEW": "a5:4c", "NUM": 5, "EMPTY": ""}}`,
		},
		"recorded: null deletes a setting": {
			`"bio": "b", "settings": {"model": "m2"}`,
			`"settings": {"extra": {"a": 1}, "model": null}`,
			`"bio": "b", "settings": {"extra": {"a": 1}}`,
		},
		"settings are merged at every depth, arrays are replaced": {
			`"bio": "b", "settings": {"a": {"b": {"keep": 1, "list": [1, 2]}, "keep": true}}`,
			`"settings": {"a": {"b": {"list": [3], "new": {}}}}`,
			`"bio": "b", "settings": {"a": {"b": {"keep": 1, "list": [3], "new": {}}, "keep": true}}`,
		},
		"an object that deleting empties goes, at every depth": {
			`"bio": "b", "settings": {"a": {"b": {"c": 1}}, "empty": {}, "other": 1}`,
			`"settings": {"a": {"b": {"c": null}}}`,
			`"bio": "b", "settings": {"empty": {}, "other": 1}`,
		},
		"the last secret may be deleted": {
			`"bio": "b", "settings": {"secrets": {"KEY": "07:1b"}}`,
			`"settings": {"secrets": {"KEY": null}}`,
			`"bio": "b"`,
		},
		"what is no object is replaced by one, and the other way round": {
			`"bio": "b", "settings": {"a": 1, "b": {"c": 2}}`,
			`"settings": {"a": {"d": 3}, "b": false}`,
			`"bio": "b", "settings": {"a": {"d": 3}, "b": false}`,
		},
		"numbers keep their digits": {
			`"bio": "b", "settings": {"big": 12345678901234567890, "deep": {"exact": 1.50}}`,
			`"settings": {"deep": {"more": 0.10}}`,
			`"bio": "b", "settings": {"big": 12345678901234567890, "deep": {"exact": 1.50, "more": 0.10}}`,
		},
		"all else is replaced, and deleted by null": {
			`"bio": "b", "system": "s", "username": "u", "style": {"all": ["a"], "chat": ["c"]}, "topics": ["t"], "knowledge": ["k"]`,
			`"system": null, "username": "v", "style": {"post": []}, "topics": [], "knowledge": null, "plugins": ["p"]`,
			`"bio": "b", "username": "v", "style": {"post": []}, "topics": [], "plugins": ["p"]`,
		},
		"recorded: null leaves the settings": {
			`"bio": "b", "settings": {"a": 1, "secrets": {"KEY": "07:1b"}}`, `"topics": ["t"], "settings": null`,
			`"bio": "b", "topics": ["t"], "settings": {"a": 1, "secrets": {"KEY": "07:1b"}}`,
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			named := func(keys string) string { return `{"name": "Eliza", ` + keys + `}` }
			old, next := character(t, named(c.old)), character(t, named(c.next))
			updated := events.AgentUpdated{AgentID: eliza, Character: next}
			update, past := patch(t, "{"+c.patch+"}"), Given(events.AgentCreated{AgentID: eliza, Character: old})
			When(past, update).Then(t, updated)
			When(past.And(updated), update).Then(t)
		})
	}
}

func TestAnAgentThatIsRenamedKeepsItsID(t *testing.T) {
	t.Parallel()
	When(Given(elizaCreated), patch(t, `{"name": "Doctor"}`)).
		Then(t, events.AgentUpdated{AgentID: eliza, Character: events.Character{Name: "Doctor", Bio: doctor.Bio}})
}

func TestAnAgentThatRunsGoesOnRunningWhenItIsChanged(t *testing.T) {
	t.Parallel()
	updated := events.AgentUpdated{AgentID: eliza, Character: events.Character{Name: "Eliza", Bio: doctor.Bio, System: "s"}}
	past := Given(elizaCreated, elizaStarted)
	When(past, patch(t, `{"system": "s"}`)).Then(t, updated)
	When(past.And(updated), StopAgent{AgentID: eliza}).Then(t, elizaStopped)
}

func TestAnAgentIsMarkedAsDisabled(t *testing.T) {
	t.Parallel()
	c := events.Character{Name: "Eliza", Bio: doctor.Bio}
	disabled := events.AgentUpdated{AgentID: eliza, Character: c, Disabled: true}
	past := Given(elizaCreated, disabled)
	When(Given(elizaCreated), patch(t, `{"enabled": false}`)).Then(t, disabled)
	When(past, patch(t, `{"enabled": false}`)).Then(t)
	When(past, patch(t, `{"enabled": null}`)).Then(t)
	When(past, patch(t, `{"enabled": true}`)).Then(t, events.AgentUpdated{AgentID: eliza, Character: c})
}

func TestAPatchThatChangesNothingIsSoAlready(t *testing.T) {
	t.Parallel()
	full := Given(events.AgentCreated{AgentID: eliza, Character: character(t, fullCharacter)})
	for what, object := range map[string]string{
		"an empty one":             `{}`,
		"the id":                   `{"id": "a11ce000-0000-4000-8000-000000000000"}`,
		"what no character has":    `{"zzz": 1, "enabled": true}`,
		"a flag that is none":      `{"enabled": "no"}`,
		"secrets at the top level": `{"secrets": {"KEY": "other"}}`,
		"the whole again":          fullCharacter,
		"what is not there":        `{"settings": {"none": null, "deep": {"none": null}, "secrets": {"NONE": null}}}`,
		"the same settings":        `{"settings": {"secrets": {"NUM": 5}, "deep": {}}}`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			When(full, patch(t, object)).Then(t)
		})
	}
}

func TestAPatchIsRefusedAsACharacterIs(t *testing.T) {
	t.Parallel()
	for object, words := range map[string]string{
		`{"name": null}`:  "name: Expected string, received null",
		`{"name": ""}`:    "name: Character name is required",
		`{"bio": null}`:   "bio: Invalid input",
		`{"settings": 5}`: "settings: Expected object, received number",
		`{"topics": "x", "style": {"all": null}}`: "topics: Expected array, received string; style.all: Expected array, received null",
	} {
		When(Given(elizaCreated), patch(t, object)).ThenFails(t, ErrRefused, "Character validation failed: "+words)
	}
}

func TestAnAgentThatIsNotThereCannotBeChanged(t *testing.T) {
	t.Parallel()
	update := patch(t, `{"system": "s"}`)
	When(Given(), update).ThenFails(t, ErrNotFound, "agent "+eliza.String()+" not found")
	When(Given(elizaCreated, elizaDeleted), update).ThenFails(t, ErrNotFound)
}

// anyJSON is a JSON value of few keys, so that patches meet what they change.
func anyJSON(depth int) *rapid.Generator[any] {
	leaf := rapid.SampledFrom([]any{nil, true, "", "<é>", json.Number("0"), json.Number("1.50"), json.Number("12345678901234567890")})
	if depth == 0 {
		return leaf
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return anyJSON(depth - 1) })
	return rapid.OneOf(leaf, anyObject(inner).AsAny(), rapid.SliceOfN(inner, 0, 2).AsAny())
}

func anyObject(value *rapid.Generator[any]) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "secrets"}), value, 0, 4)
}

func TestAnyPatchOfSettingsIsSoAlreadyOnceItWasMade(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		object := func(label string) string {
			raw, err := json.Marshal(map[string]any{"settings": anyObject(anyJSON(3)).Draw(rt, label)})
			if err != nil {
				rt.Fatal(err)
			}
			return string(raw)
		}
		old := Agent{Life: Life{Exists: true}, Character: character(rt, `{"name": "Eliza", "bio": [], `+object("old")[1:])}
		if facts, err := patch(rt, `{}`).Decide(NewRequest(), old, Nothing{}); err != nil || len(facts) > 0 {
			rt.Fatalf("nothing changes %s to %v, %v", Show(events.AgentCreated{Character: old.Character}), facts, err)
		}
		update := patch(rt, object("patch"))
		facts, err := update.Decide(NewRequest(), old, Nothing{})
		if err != nil {
			rt.Fatal(err)
		}
		next := old
		for _, f := range facts {
			next = next.Apply(events.Recorded{Event: f})
		}
		if again, err := update.Decide(NewRequest(), next, Nothing{}); err != nil || len(again) > 0 {
			rt.Fatalf("the same patch again leads from %v to %v, %v", facts, again, err)
		}
	})
}
