package main

import (
	"net/http"
	"strings"
	"testing"

	"annals/cmd/internal/node"
	"annals/transport/models/openai/openaitest"
)

// agentWith makes an agent of a character with settings, and starts it.
func (c *client) agentWith(t *testing.T, name string, settings map[string]any) string {
	t.Helper()
	var made struct{ ID string }
	if err := c.must(t, http.StatusCreated, http.MethodPost, "/api/agents", map[string]any{
		"characterJson": map[string]any{"name": name, "bio": "b", "settings": settings},
	}).data(&made); err != nil {
		t.Fatal(err)
	}
	c.must(t, http.StatusOK, http.MethodPost, "/api/agents/"+made.ID+"/start", nil)
	return made.ID
}

// The keys of characters are kept encrypted, and the server's never goes to an address that a character names.
func TestAnAgentSpeaksWithTheModelOfItsCharacter(t *testing.T) {
	t.Parallel()
	usual, listed, private := openaitest.Start(t, openaitest.Script{}), openaitest.Start(t, openaitest.Script{}), openaitest.Start(t, openaitest.Script{})
	s := inside(t, func(c *node.Config) {
		c.OpenAI.Key, c.OpenAI.BaseURL, c.OpenAI.Model = "sk-server", usual.URL, "oracle"
		c.AgentModelHosts = "models.example, " + strings.TrimSuffix(strings.TrimPrefix(listed.URL, "http://"), "/v1")
	})
	secrets := func(names map[string]string) map[string]any { return map[string]any{"secrets": names} }
	for _, c := range []struct {
		name     string
		settings map[string]any
	}{
		{"Usual", map[string]any{}},
		{"Model", map[string]any{"model": "small"}},
		{"Key", secrets(map[string]string{"OPENAI_API_KEY": "sk-mine"})},
		{"Listed", secrets(map[string]string{"OPENAI_BASE_URL": listed.URL})},
		{"Inside", secrets(map[string]string{"OPENAI_BASE_URL": private.URL, "OPENAI_API_KEY": "sk-mine"})},
	} {
		channel := s.channel(t, "DM", s.agentWith(t, c.name, c.settings))
		room := s.listen(t, channel)
		if _, _, err := s.post(t.Context(), channel, "Hello."); err != nil {
			t.Fatal(err)
		}
		room.until("messageComplete", nil)
	}
	var asked []string
	for _, r := range usual.Requests() {
		asked = append(asked, r.Authorization+" "+r.Model)
	}
	if got := strings.Join(asked, ", "); got != "Bearer sk-server oracle, Bearer sk-server small, Bearer sk-mine oracle" {
		t.Errorf("the server's endpoint was asked with %s", got)
	}
	if r := listed.Requests(); len(r) != 1 || strings.Contains(r[0].Authorization, "sk-") {
		t.Errorf("the listed host was asked with %+v", r)
	}
	if r := private.Requests(); len(r) > 0 {
		t.Errorf("an address of this machine was asked with %+v", r)
	}
}
