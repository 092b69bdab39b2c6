package httpapi

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"annals/transport/problem"
	"annals/transport/secrets"
)

// oldCharacter is a character file of ElizaOS 0.x.
func oldCharacter(name string) fields {
	return fields{
		"name": name, "modelProvider": "openai", "clients": []string{"discord"}, "bio": "Keeps a garden.", "lore": []string{"Born in a greenhouse."},
		"people": []string{}, "wateringInterval": 90, "settings": fields{"secrets": fields{"OPENAI_API_KEY": "k"}},
		"messageExamples": [][]fields{{{"user": "{{user1}}", "content": fields{"text": "Does it rain?"}}}},
	}
}

// became is what an answer says of each field.
func became(t *testing.T, a answered) string {
	t.Helper()
	list, _ := a.at("converted").([]any)
	var all []string
	for _, c := range list {
		change := c.(map[string]any)
		all = append(all, fmt.Sprint(change["field"], " ", change["outcome"]))
	}
	return strings.Join(all, ", ")
}

const whatBecame = "clients kept, messageExamples converted, modelProvider converted, wateringInterval kept, lore converted, people dropped"

func TestAnOldCharacterIsTakenAndWhatBecameOfItIsNamed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	file, err := json.Marshal(oldCharacter("Filed"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(s.options.Agents.CharactersDir, "filed.json"), file, 0o600))
	for _, body := range []fields{{"characterJson": oldCharacter("Given")}, {"agent": oldCharacter("Agent")}, {"characterPath": "filed"}} {
		made := s.ask("POST", "/api/agents", body).is(201)
		if got := became(t, made); got != whatBecame {
			t.Errorf("%v: %s", body, got)
		}
		shown := s.ask("GET", "/api/agents/"+made.text("id"), nil).is(200)
		if shown.text("settings.modelProvider") != "openai" || shown.text("messageExamples.0.0.name") != "{{user1}}" || !secrets.IsEncrypted(shown.text("settings.secrets.OPENAI_API_KEY")) ||
			jsonText(shown.at("bio")) != `["Keeps a garden.","Born in a greenhouse."]` {
			t.Errorf("stored: %s", shown.body)
		}
	}
	refused := s.ask("POST", "/api/agents", fields{"characterJson": fields{"name": "Bare", "clients": []string{}}}).refused(400, problem.CodeCreate)
	if !strings.Contains(string(refused.body), "ElizaOS 0.x and has no bio") {
		t.Errorf("refused: %s", refused.body)
	}
	s.ask("POST", "/api/agents", fields{"characterJson": fields{"name": "Today", "bio": "b", "people": []string{}}}).refused(400, problem.CodeCreate)
}

func TestPartsOfAnOldCharacterArePatchedAndImported(t *testing.T) {
	t.Parallel()
	s := serve(t)
	path := "/api/agents/" + s.newAgent("Patched")
	changed := s.ask("PATCH", path, fields{"bio": "Now old.", "lore": []string{"Was new."}, "modelProvider": "anthropic"}).is(200)
	if got := became(t, changed); got != "modelProvider converted, lore converted" || jsonText(changed.at("bio")) != `["Now old.","Was new."]` {
		t.Errorf("%s: %s", got, changed.body)
	}
	again := s.ask("PATCH", path, fields{"system": "Be brief."}).is(200)
	if again.at("converted") != nil || again.text("settings.modelProvider") != "anthropic" {
		t.Errorf("patched: %s", again.body)
	}
	imported := s.ask("POST", "/api/memory/agents/11111111-aaaa-4bbb-8ccc-000000000001/import", oldCharacter("Imported")).is(200)
	if got := became(t, imported); got != whatBecame {
		t.Errorf("imported: %s %s", got, imported.body)
	}
}
