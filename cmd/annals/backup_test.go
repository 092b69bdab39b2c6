package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"annals/deploy/postgres/pgtest"
)

func TestABackupIsRestoredOnAnEmptyDataFolderAndAPartLeftOutIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + pgtest.New(t), "CHARACTERS_DIR=" + mustAbs(t, "../../deploy/characters")}
	p := spawn(t, settings...)
	channel := p.channel(t, "GROUP", p.runningAgent(t, "Eliza"))
	if _, a, err := p.post(t.Context(), channel, canary); err != nil || a.status != http.StatusCreated {
		t.Fatal(err, a.status)
	}
	p.stop(t)
	p = spawn(t, settings...) // a chain has been written down by now, and the server goes on
	backup := t.TempDir()
	if out, err := annalsSays(t.Context(), settings, "eventstore", "backup", filepath.Join(backup, "events")); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, part := range []string{"chain", "keys", "blobs"} {
		to, from := filepath.Join(backup, part), filepath.Join(dir, part)
		if info, err := os.Stat(from); err == nil && !info.IsDir() {
			content, err := os.ReadFile(from)
			if err := errors.Join(err, os.WriteFile(to, content, 0o600)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(to, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p.stop(t)
	restored := func(without string) []string {
		to := filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(to, os.DirFS(backup)); err != nil {
			t.Fatal(err)
		}
		for _, made := range []string{"keys", "events"} { // as cp -a has them
			if err := os.Chmod(filepath.Join(to, made), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if without != "" {
			if err := os.RemoveAll(filepath.Join(to, without)); err != nil {
				t.Fatal(err)
			}
		}
		return append(settings[:1:1], "DATA_DIR="+to, "POSTGRES_URL="+pgtest.New(t), settings[3])
	}
	for part, lost := range map[string]string{
		"events": "the log is missing", "keys": "the keys are missing", "chain": "the chain is missing", "blobs": "uploaded are missing",
	} {
		if said, ill := doctor(t, restored(part)...); !ill || !strings.Contains(said, lost) || !strings.Contains(said, "from the backup") {
			t.Errorf("without %s the doctor says: %s", part, said)
		}
	}
	again := restored("")
	if said, ill := doctor(t, again...); ill {
		t.Errorf("of all of it the doctor says: %s", said)
	}
	p = spawn(t, again...)
	list := string(p.must(t, http.StatusOK, http.MethodGet, "/api/messaging/central-channels/"+channel+"/messages", nil).body)
	if !strings.Contains(list, canary) {
		t.Errorf("after the restore: %s", list)
	}
	p.stop(t)
	verified(t, "after the restore", again, nil)
}
