package main

import (
	"strings"
	"testing"
)

func TestAnEmptySettingIsNotMade(t *testing.T) {
	for _, name := range []string{"SERVER_HOST", "SERVER_PORT", "DATA_DIR", "RATE_LIMIT", "SECRET_SALT", "OPENAI_EMBEDDING_DIMENSIONS"} {
		t.Setenv(name, "")
	}
	var c cli
	if _, err := c.parse(t.Context(), []string{"serve"}); err != nil {
		t.Fatal(err)
	}
	if got := c.Serve.Config; got.Host != "127.0.0.1" || got.Port != 3000 || got.DataDir != ".annals" || got.RateLimit != "on" || got.SecretSalt != "" {
		t.Errorf("%+v", got)
	}
}

func TestAnEndpointThatIsNoURLIsRefusedAtTheStart(t *testing.T) {
	for url, good := range map[string]bool{"::garbage": false, "localhost:11434/v1": false, "ftp://x": false, "http://": false, "http://localhost:11434/v1": true} {
		t.Setenv("OPENAI_BASE_URL", url)
		if _, err := new(cli).parse(t.Context(), []string{"serve"}); (err == nil) != good || err != nil && !strings.Contains(err.Error(), "OPENAI_BASE_URL") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
