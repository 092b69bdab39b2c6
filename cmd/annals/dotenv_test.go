package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"annals/deploy/postgres/pgtest"
)

func TestTheLocalEnvironmentCountsFromTheNextStartOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	p.must(t, 200, http.MethodPost, "/api/system/env/local", map[string]any{"content": map[string]any{
		"ANTHROPIC_API_KEY": "canary", "ANTHROPIC_LARGE_MODEL": "here", "OPENAI_LARGE_MODEL": "here", "OPENAI_EMBEDDING_DIMENSIONS": 256,
		"SERVER_HOST": "0.0.0.0", "ELIZA_SERVER_AUTH_TOKEN": "mine", "CHARACTERS_DIR": "/", "EVENTSTORE_URL": "esdb://elsewhere", "MINE": "as well",
	}})
	if status := p.stop(t); status != 0 {
		t.Fatalf("it ended with %d", status)
	}
	p = spawn(t, append(slices.Clone(settings), "OPENAI_LARGE_MODEL=real")...)
	var effective map[string]string
	shown := p.must(t, 200, http.MethodGet, "/api/system/env", nil)
	if err := shown.data(&effective); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"ANTHROPIC_API_KEY": "********", "ANTHROPIC_LARGE_MODEL": "here", "OPENAI_LARGE_MODEL": "real", "OPENAI_EMBEDDING_DIMENSIONS": "256",
		"SERVER_HOST": "127.0.0.1", "ELIZA_SERVER_AUTH_TOKEN": "", "CHARACTERS_DIR": "deploy/characters", "EVENTSTORE_URL": "",
	} {
		if effective[name] != want {
			t.Errorf("%s is %q, not %q", name, effective[name], want)
		}
	}
	logs := p.must(t, 200, http.MethodGet, "/api/server/logs?limit=1000", nil)
	if bytes.Contains(shown.body, []byte("canary")) || bytes.Contains(logs.body, []byte("canary")) {
		t.Error("the secret is shown")
	}
	var local map[string]string
	if err := p.must(t, 200, http.MethodGet, "/api/system/env/local", nil).data(&local); err != nil || local["MINE"] != "as well" {
		t.Errorf("the local environment is %v, %v", local, err)
	}
}

func TestALocalEnvironmentThatCannotBeReadIsToldOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".env"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"doctor", "--data-dir", dir}); err == nil || !bytes.Contains([]byte(err.Error()), []byte("local environment")) {
		t.Errorf("it says %v", err)
	}
}
