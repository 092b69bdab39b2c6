package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

// Other machines are let in where there is a key, or where it is said that they may come without one.
func TestAServerWithoutAKeyDoesNotListenForOtherMachines(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"0.0.0.0", "", "::"} {
		c := node.Config{Listening: node.Listening{Host: host}, Places: node.Places{DataDir: t.TempDir(), LogLevel: "error"}, RateLimit: "off"}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err := node.Serve(ctx, node.Options{Config: c}, func(string) { t.Error("it serves on " + host) })
		cancel()
		if err == nil || !strings.Contains(err.Error(), "ELIZA_SERVER_AUTH_TOKEN") || !strings.Contains(err.Error(), "ALLOW_OPEN=on") {
			t.Errorf("%q: %v", host, err)
		}
	}
	for name, change := range map[string]func(*node.Config){
		"with a key": func(c *node.Config) { c.Host, c.Key = "0.0.0.0", "s3cret" },
		"open":       func(c *node.Config) { c.Host, c.AllowOpen = "0.0.0.0", "on" },
	} {
		t.Run(name, func(t *testing.T) {
			database := pgtest.New(t)
			s := inside(t, func(c *node.Config) { c.PostgresURL = database; change(c) })
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(s.base, "[::]", "127.0.0.1", 1)+"/api/server/ping", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "box.example"
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
				t.Errorf("%d %s", res.StatusCode, text)
			}
		})
	}
}
