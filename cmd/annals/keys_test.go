package main

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"annals/cmd/internal/node"
)

// Keys that were set back to an older copy beneath a running server seal nothing, and it says so until they are put back.
func TestKeysThatWereSetBackAreNotSealedWith(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := inside(t, func(c *node.Config) { c.DataDir = dir })
	if err := os.CopyFS(dir+"/older", os.DirFS(dir+"/keys")); err != nil {
		t.Fatal(err)
	}
	channel := s.channel(t, "GROUP")
	say := func(status int) {
		t.Helper()
		if _, a, err := s.post(t.Context(), channel, "sealed"); err != nil || a.status != status {
			t.Errorf("%v %d %s", err, a.status, a.body)
		}
	}
	say(http.StatusCreated)
	if err := errors.Join(os.Rename(dir+"/keys", dir+"/newest"), os.Rename(dir+"/older", dir+"/keys")); err != nil {
		t.Fatal(err)
	}
	say(http.StatusServiceUnavailable)
	status, found := readHealth(t, s.client)
	if status != http.StatusServiceUnavailable || !strings.Contains(found.Dependencies["keys"], "keys of the log are lost") {
		t.Errorf("health: %d %v", status, found.Dependencies)
	}
	if found := s.messages(t, channel); len(found) != 1 {
		t.Errorf("%d messages", len(found))
	}
	if err := errors.Join(os.RemoveAll(dir+"/keys"), os.Rename(dir+"/newest", dir+"/keys")); err != nil {
		t.Fatal(err)
	}
	if status, found := readHealth(t, s.client); status != http.StatusOK {
		t.Errorf("health after they were put back: %d %v", status, found.Dependencies)
	}
	say(http.StatusCreated)
}
