package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"annals/deploy/postgres/pgtest"
)

// newerBuild makes a binary of tomorrow: with a type of event that today's does not know, and a projection whose version is
// raised because its table has another column.
func newerBuild(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	overlay := map[string]string{}
	replace := func(path string, change func(string) string) {
		t.Helper()
		path = mustAbs(t, path)
		text, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		changed := change(string(text))
		if changed == string(text) {
			t.Fatalf("%s is not what this test knows", path)
		}
		overlay[path] = filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(overlay[path], []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace("../../events/pigeon.go", func(string) string {
		return "package events\n\ntype PigeonReleased struct{}\n\nfunc (PigeonReleased) EventType() string { return \"PigeonReleased\" }\n"
	})
	replace("../../events/log.go", func(text string) string {
		return strings.Replace(text, "[]Event{LogOpened{}}", "[]Event{LogOpened{}, PigeonReleased{}}", 1)
	})
	replace("../../projections/messages.go", func(text string) string {
		version := regexp.MustCompile(`Version: (\d+),`)
		text = version.ReplaceAllStringFunc(text, func(found string) string {
			n, err := strconv.Atoi(version.FindStringSubmatch(found)[1])
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("Version: %d,", n+1)
		})
		return strings.Replace(text, "create table messages (", "create table messages (\n\tnewer text not null default 'newer',", 1)
	})
	listed, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	list, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "annals")
	if err := os.WriteFile(list, listed, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// Needs the compiler for half a minute, so that it runs in .ci/run.
func TestANewerBuildStartsBesideAnOlderOneBothAnswerAndItGoesOnWhereTheOlderCannot(t *testing.T) {
	t.Parallel()
	if setting("ANNALS_NEWER_BUILD", 0, 1) == 0 {
		t.Skip("set ANNALS_NEWER_BUILD=1")
	}
	binary := newerBuild(t)
	database := pgtest.New(t)
	_, store := spawnStore(t, t.TempDir())
	settings := func() []string {
		return []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + database, "EVENTSTORE_URL=" + store}
	}
	older := spawn(t, settings()...)
	channel := older.channel(t, "GROUP")
	fillWith(t, older.client, channel, 2000)

	// The older one is asked all the time while the newer one fills its tables and goes over to them.
	stop := askAllTheTime(t, older.client, older.client, channel)
	newer := spawnBuild(t, binary, settings()...)
	again := askAllTheTime(t, newer.client, older.client, channel)
	back := askAllTheTime(t, older.client, newer.client, channel)
	time.Sleep(3 * time.Second) // of answers by both
	posted := 2000 + stop() + again() + back()
	last, a, err := newer.post(t.Context(), channel, "the last before the pigeon")
	if err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	for _, c := range []*client{older.client, newer.client} {
		c.reads(t, channel, last, a)
		if n := len(c.messages(t, channel)); n != posted+1 {
			t.Errorf("%d messages of %d", n, posted+1)
		}
	}

	release(t, store)
	eventually(t, time.Minute, "the older one says that it cannot go on", func() bool {
		status, found := readHealth(t, older.client)
		return status == http.StatusServiceUnavailable && strings.Contains(found.Dependencies["projections"], "PigeonReleased")
	})
	last, a, err = older.post(t.Context(), channel, "after the pigeon")
	if err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	eventually(t, time.Minute, "the newer one has gone on", func() bool {
		status, _ := readHealth(t, newer.client)
		return status == http.StatusOK
	})
	newer.reads(t, channel, last, a)
	if n := len(newer.messages(t, channel)); n != posted+2 {
		t.Errorf("%d messages of %d", n, posted+2)
	}
}

// fillWith posts so many messages, sixteen at a time.
func fillWith(t testing.TB, c *client, channel string, n int) {
	t.Helper()
	var posting sync.WaitGroup
	for range 16 {
		posting.Go(func() {
			for range n / 16 {
				if _, a, err := c.post(t.Context(), channel, "filler"); err != nil || a.status != http.StatusCreated {
					t.Errorf("%d %s: %v", a.status, a.body, err)
					return
				}
			}
		})
	}
	posting.Wait()
}

// reads fails unless a message that was posted can be read.
func (c *client) reads(t testing.TB, channel, id string, posted answer) {
	t.Helper()
	path := "/api/messaging/central-channels/" + channel + "/messages?limit=50"
	a, err := c.call(t.Context(), http.MethodGet, path, nil, "X-Annals-After", posted.header.Get("X-Annals-Position"))
	if err != nil || a.status != http.StatusOK || !strings.Contains(string(a.body), id) {
		t.Errorf("%s cannot be read: %d %v", id, a.status, err)
	}
}

// askAllTheTime posts to one server and reads back from another until it is stopped, and then tells how many it posted.
func askAllTheTime(t *testing.T, writer, reader *client, channel string) (stop func() int) {
	t.Helper()
	done := make(chan struct{})
	n := 0
	var asking sync.WaitGroup
	asking.Go(func() {
		for pause := time.NewTicker(10 * time.Millisecond); ; <-pause.C {
			select {
			case <-done:
				pause.Stop()
				return
			default:
			}
			id, a, err := writer.post(t.Context(), channel, "all the time")
			if err != nil || a.status != http.StatusCreated {
				t.Errorf("%d %s: %v", a.status, a.body, err)
				return
			}
			n++
			reader.reads(t, channel, id, a)
		}
	})
	return func() int { close(done); asking.Wait(); return n }
}
