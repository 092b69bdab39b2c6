package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"annals/cmd/internal/node"
)

// titles are those of the documents that an agent knows.
func (c *client) titles(t testing.TB, agent string) map[string]string {
	t.Helper()
	var known struct{ Documents []struct{ ID, Title string } }
	if err := c.must(t, http.StatusOK, http.MethodGet, "/api/agents/"+agent+"/documents", nil).data(&known); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, d := range known.Documents {
		all[d.Title] = d.ID
	}
	return all
}

func TestAnAgentKnowsWhatItsCharacterNamesNow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"tea.md": "\ufeffGreen tea.", "lore/a.md": "Apples.", "lore/b.md": "Bees."} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := inside(t, func(c *node.Config) { c.CharactersDir = dir })
	var made struct{ ID string }
	if err := s.must(t, http.StatusCreated, http.MethodPost, "/api/agents", map[string]any{"characterJson": map[string]any{
		"name": "Librarian", "bio": []string{"Reads."}, "knowledge": []any{"tea.md", map[string]any{"directory": "lore"}},
	}}).data(&made); err != nil {
		t.Fatal(err)
	}
	path := "/api/agents/" + made.ID
	knows := func(want ...string) {
		t.Helper()
		eventually(t, time.Minute, "it knows what it is to know", func() bool {
			var names []string
			for title := range s.titles(t, made.ID) {
				names = append(names, title)
			}
			slices.Sort(names)
			return slices.Equal(names, want)
		})
	}
	knows("lore/a.md", "lore/b.md", "tea.md")
	s.must(t, http.StatusCreated, http.MethodPost, path+"/documents", map[string]any{"text": "Cocoa is sweet.", "title": "Cocoa"})
	s.must(t, http.StatusNoContent, http.MethodDelete, path+"/documents/"+s.titles(t, made.ID)["tea.md"], nil)
	if err := os.Remove(filepath.Join(dir, "lore/b.md")); err != nil {
		t.Fatal(err)
	}
	s.must(t, http.StatusOK, http.MethodPost, path+"/start", nil)
	knows("Cocoa", "lore/a.md")
	s.must(t, http.StatusOK, http.MethodPatch, path, map[string]any{"knowledge": []any{"tea.md"}})
	knows("Cocoa")
}

func TestAMemoryThatMeansTheSameAsAnotherIsNotUnique(t *testing.T) {
	t.Parallel()
	s := inside(t, nil)
	agent := s.runningAgent(t, "Echo")
	path := "/api/memory/agents/" + agent + "/memories"
	store := func(text string) (is func() bool) {
		t.Helper()
		var m struct{ ID string }
		if err := s.must(t, http.StatusCreated, http.MethodPost, path, map[string]any{"text": text, "tableName": "facts"}).data(&m); err != nil {
			t.Fatal(err)
		}
		return func() bool {
			var now struct{ Unique bool }
			if err := s.must(t, http.StatusOK, http.MethodGet, path+"/"+m.ID, nil).data(&now); err != nil {
				t.Fatal(err)
			}
			return now.Unique
		}
	}
	first := store("My sister paints blue boats in the harbour.")
	other := store("Thunderstorms are loud.")
	repeat := store("My sister paints the blue boats in the harbour!")
	eventually(t, time.Minute, "the repetition is noticed", func() bool { return !repeat() })
	if !first() || !other() {
		t.Error("what repeats nothing is not unique")
	}
}
