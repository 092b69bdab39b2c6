package httpapi_test

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
	list, _ := a.At("converted").([]any)
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
	must(t, os.WriteFile(filepath.Join(s.Options.Agents.CharactersDir, "filed.json"), file, 0o600))
	for _, body := range []fields{{"characterJson": oldCharacter("Given")}, {"agent": oldCharacter("Agent")}, {"characterPath": "filed"}} {
		made := s.Ask("POST", "/api/agents", body).Is(201)
		if got := became(t, made); got != whatBecame {
			t.Errorf("%v: %s", body, got)
		}
		shown := s.Ask("GET", "/api/agents/"+made.Text("id"), nil).Is(200)
		if shown.Text("settings.modelProvider") != "openai" || shown.Text("messageExamples.0.0.name") != "{{user1}}" || !secrets.IsEncrypted(shown.Text("settings.secrets.OPENAI_API_KEY")) ||
			jsonText(shown.At("bio")) != `["Keeps a garden.","Born in a greenhouse."]` {
			t.Errorf("stored: %s", shown.Body)
		}
	}
	refused := s.Ask("POST", "/api/agents", fields{"characterJson": fields{"name": "Bare", "clients": []string{}}}).Refused(400, problem.CodeCreate)
	if !strings.Contains(string(refused.Body), "ElizaOS 0.x and has no bio") {
		t.Errorf("refused: %s", refused.Body)
	}
	s.Ask("POST", "/api/agents", fields{"characterJson": fields{"name": "Today", "bio": "b", "people": []string{}}}).Refused(400, problem.CodeCreate)
}

func TestPartsOfAnOldCharacterArePatchedAndImported(t *testing.T) {
	t.Parallel()
	s := serve(t)
	path := "/api/agents/" + s.newAgent("Patched")
	changed := s.Ask("PATCH", path, fields{"bio": "Now old.", "lore": []string{"Was new."}, "modelProvider": "anthropic"}).Is(200)
	if got := became(t, changed); got != "modelProvider converted, lore converted" || jsonText(changed.At("bio")) != `["Now old.","Was new."]` {
		t.Errorf("%s: %s", got, changed.Body)
	}
	again := s.Ask("PATCH", path, fields{"system": "Be brief."}).Is(200)
	if again.At("converted") != nil || again.Text("settings.modelProvider") != "anthropic" {
		t.Errorf("patched: %s", again.Body)
	}
	imported := s.Ask("POST", "/api/memory/agents/11111111-aaaa-4bbb-8ccc-000000000001/import", oldCharacter("Imported")).Is(200)
	if got := became(t, imported); got != whatBecame {
		t.Errorf("imported: %s %s", got, imported.Body)
	}
}
