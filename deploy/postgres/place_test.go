package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSocketsLieWhereTheServersAccountReachesThem(t *testing.T) {
	const dir = "/srv/annals/postgres"
	name := "annals-" + hashOf(dir)
	user := account{uid: os.Geteuid(), gid: os.Getegid()}
	dropped := account{uid: os.Geteuid() + 1, gid: os.Getegid() + 1, dropped: true}
	temp := t.TempDir() // only we may enter it
	for _, c := range []struct {
		what          string
		account       account
		runtime, temp string
		want          string
	}{
		{"the session's runtime folder", user, "/run", temp, "/run"},
		{"no runtime folder", user, "", "/var/tmp", "/var/tmp"},
		{"a temporary folder of root's", dropped, "/run", temp, "/tmp"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Setenv("XDG_RUNTIME_DIR", c.runtime)
			t.Setenv("TMPDIR", c.temp)
			if got := c.account.socketDir(dir); got != filepath.Join(c.want, name) {
				t.Errorf("%s, want a folder in %s", got, c.want)
			}
		})
	}
}

func TestALogThatHasGrownIsEmptiedUnderItsWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	say := func(text string) {
		if _, err := log.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	say("short")
	if err := rotate(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 5 {
		t.Fatalf("a short log was touched: %v, %v", info, err)
	}
	say(strings.Repeat("x", logLimit))
	if err := rotate(path); err != nil {
		t.Fatal(err)
	}
	say("after")
	if text, err := os.ReadFile(path); err != nil || string(text) != "after" {
		t.Errorf("log after rotation: %d bytes, %v", len(text), err)
	}
	if info, err := os.Stat(path + ".1"); err != nil || info.Size() != logLimit+5 {
		t.Errorf("older log: %v, %v", info, err)
	}
}
