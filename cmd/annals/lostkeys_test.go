package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"annals/deploy/postgres/pgtest"
)

// moveKeys puts keys aside, all of them or one, as a backup that was restored without them; back brings them back.
func moveKeys(t *testing.T, dir, one string) (back func()) {
	t.Helper()
	from, aside := filepath.Join(dir, "keys", one), filepath.Join(t.TempDir(), "aside")
	if err := os.Rename(from, aside); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.RemoveAll(from); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(aside, from); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLostKeysAreNotTakenForErasuresAndNothingIsSealedUnderNewOnes(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]string{"all keys": "", "one key": filepath.Join(somebody[:2], somebody)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + pgtest.New(t), "CHARACTERS_DIR=" + mustAbs(t, "../../deploy/characters")}
			p := spawn(t, settings...)
			agent := p.runningAgent(t, "Eliza")
			channel := p.channel(t, "GROUP", agent)
			path := "/api/messaging/central-channels/" + channel + "/messages"
			said, a, err := p.post(t.Context(), channel, canary)
			if err != nil || a.status != http.StatusCreated {
				t.Fatal(err, a.status)
			}
			p.stop(t)
			back := moveKeys(t, dir, one)
			stays(t, dir, settings, one != "")

			p = spawn(t, settings...)
			h, err := p.call(t.Context(), http.MethodGet, "/api/server/health", nil)
			if err != nil {
				t.Fatal(err)
			}
			if h.status != http.StatusServiceUnavailable || !strings.Contains(string(h.body), "lost") {
				t.Errorf("health: %d %s", h.status, h.body)
			}
			if s, ill := doctor(t, settings...); !ill || !strings.Contains(s, "lost") || !strings.Contains(s, "erase --lost") {
				t.Errorf("the doctor says: %s", s)
			}
			story := string(p.must(t, http.StatusOK, http.MethodGet, "/api/history/messages/"+said, nil).body)
			if !strings.Contains(story, "[lost]") || strings.Contains(story, "[erased]") {
				t.Errorf("the history says %s", story)
			}
			if _, a, err := p.post(t.Context(), channel, "more"); err != nil || a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), "lost") {
				t.Errorf("a post is answered %d %s, %v", a.status, a.body, err)
			}
			if out, err := annalsSays(t.Context(), settings, "rebuild", "--all"); err == nil || !strings.Contains(out, "nothing is rebuilt") {
				t.Errorf("%v: %s", err, out)
			}
			p.stop(t)

			back()
			if s, ill := doctor(t, settings...); ill {
				t.Errorf("with the keys back the doctor says: %s", s)
			}
			if out, err := annalsSays(t.Context(), settings, "rebuild", "--all"); err != nil { // as the remedy says: rows may read [lost]
				t.Errorf("%v: %s", err, out)
			}
			p = spawn(t, settings...)
			if _, a, err := p.post(t.Context(), channel, "more"); err != nil || a.status != http.StatusCreated {
				t.Errorf("with the keys back: %d %s, %v", a.status, a.body, err)
			}
			if list := string(p.must(t, http.StatusOK, http.MethodGet, path, nil).body); !strings.Contains(list, canary) {
				t.Errorf("with the keys back: %s", list)
			}
			p.stop(t)
			verified(t, "with the keys back", settings, nil)

			moveKeys(t, dir, one)
			if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
				t.Fatal(err)
			}
			if out, err := annalsSays(t.Context(), settings, "erase", "--lost"); err != nil {
				t.Errorf("%v: %s", err, out)
			}
			verified(t, "given up", settings, nil)
			p = spawn(t, settings...)
			if _, a, err := p.post(t.Context(), channel, "afterwards"); err != nil || a.status != http.StatusCreated {
				t.Errorf("given up: %d %s, %v", a.status, a.body, err)
			}
			list := string(p.must(t, http.StatusOK, http.MethodGet, path, nil).body)
			if strings.Contains(list, canary) || !strings.Contains(list, "[erased]") || !strings.Contains(list, "afterwards") {
				t.Errorf("given up: %s", list)
			}
			p.stop(t)
		})
	}
}

// stays checks that commands say what is lost, and make no key.
func stays(t *testing.T, dir string, settings []string, some bool) {
	t.Helper()
	count := func() (n int) {
		found, err := filepath.Glob(filepath.Join(dir, "keys", "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	before := count()
	if (before > 0) != some {
		t.Errorf("%d keys are there", before)
	}
	if s, ill := doctor(t, settings...); !ill || !strings.Contains(s, "lost") && !strings.Contains(s, "missing") {
		t.Errorf("without a server the doctor says: %s", s)
	}
	out, err := annalsSays(t.Context(), settings, "verify", "--no-rows")
	if err == nil || !strings.Contains(out, "is lost") || !strings.Contains(out, "from the backup") {
		t.Errorf("verify: %v: %s", err, out)
	}
	if n := count(); n != before {
		t.Errorf("%d keys were made", n-before)
	}
}
