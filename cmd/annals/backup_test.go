package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
)

// documented are the commands below a heading of a page of deploy/docs, without comments.
func documented(t *testing.T, page, heading string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, line := range regexp.MustCompile(`(?m)^    (.*)$`).FindAllStringSubmatch(section, -1) {
		line, _, _ := strings.Cut(line[1], "#")
		lines = append(lines, strings.TrimSpace(line))
	}
	if len(lines) == 0 {
		t.Fatalf("%s has no commands under %q", page, heading)
	}
	return lines
}

// shell runs a documented command, in which places stand for folders.
func shell(ctx context.Context, settings []string, line string, places ...string) (string, error) {
	line = strings.NewReplacer(append(places, "bin/annals", os.Args[0])...).Replace(line)
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Env = append(append(os.Environ(), asAnnals+"=1", "LOG_LEVEL=error"), settings...)
	said, err := cmd.CombinedOutput()
	return string(said), err
}

// A backup is made beside a server that writes, with the commands of deploy/docs/backup.md.
func TestABackupIsRestoredOnAnEmptyDataFolderAndAPartLeftOutIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + pgtest.New(t), "CHARACTERS_DIR=" + mustAbs(t, "../../deploy/characters")}
	p := spawn(t, settings...)
	channel := p.channel(t, "GROUP", p.runningAgent(t, "Eliza"))
	p.must(t, http.StatusCreated, http.MethodPost, "/api/agents", map[string]any{"characterJson": map[string]any{
		"name": "Secretive", "bio": "keeps things", "settings": map[string]any{"secrets": map[string]any{"KEY": "of a safe"}},
	}})
	p.must(t, http.StatusOK, http.MethodPost, "/api/system/env/local", map[string]any{"content": map[string]any{"ANYTHING": "at all"}})
	say := func(content string) {
		t.Helper()
		if _, a, err := p.post(t.Context(), channel, content); err != nil || a.status != http.StatusCreated {
			t.Fatal(err, a.status)
		}
	}
	say(canary)
	p.stop(t)
	p = spawn(t, settings...) // a chain has been written down by now, and the server goes on
	backup := filepath.Join(t.TempDir(), "backup")
	for _, line := range documented(t, "backup.md", "Save") {
		if out, err := shell(t.Context(), settings, line, "BACKUP", backup, "DATA_DIR", dir); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
		if strings.Contains(line, "eventstore backup") { // what comes now is in the chain and not in the copy of the log
			say("too late")
			p.stop(t)
		}
	}
	restored := func(without string) []string {
		to := filepath.Join(t.TempDir(), "data")
		again := append(settings[:1:1], "DATA_DIR="+to, "POSTGRES_URL="+pgtest.New(t), settings[3])
		line := documented(t, "backup.md", "Restore")[0]
		if out, err := shell(t.Context(), again, line, "BACKUP", backup, "DATA_DIR", to); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
		if without != "" {
			if err := os.RemoveAll(filepath.Join(to, without)); err != nil {
				t.Fatal(err)
			}
		}
		return again
	}
	for part, lost := range map[string]string{
		"events": "the log is missing", "keys": "the keys are missing", "chain": "the chain is missing", "blobs": "uploaded are missing",
		"keys/salt": "the salt is missing", "tee": "the root of the server's keys is missing", ".env": "the local environment is missing",
	} {
		if said, ill := doctor(t, restored(part)...); !ill || !strings.Contains(said, lost) || !strings.Contains(said, "from the backup") {
			t.Errorf("without %s the doctor says: %s", part, said)
		}
	}
	newer := restored("")
	if out, err := shell(t.Context(), newer, "cp -a "+dir+"/chain "+strings.TrimPrefix(newer[1], "DATA_DIR=")); err != nil {
		t.Fatal(err, out)
	}
	if said, ill := doctor(t, newer...); !ill || !strings.Contains(said, "the log is an older copy") {
		t.Errorf("with a newer chain the doctor says: %s", said)
	}
	p = spawn(t, newer...)
	refusesTheLog(t, p.client, channel)
	p.stop(t)
	if out, err := annalsSays(t.Context(), newer, "rebuild", "--all"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p = spawn(t, newer...)
	says(t, p.client, channel, "gone on with")
	p.stop(t)
	verified(t, "after the decision", newer, nil)
	again := restored("")
	if said, ill := doctor(t, again...); ill {
		t.Errorf("of all of it the doctor says: %s", said)
	}
	p = spawn(t, again...)
	list := string(p.must(t, http.StatusOK, http.MethodGet, "/api/messaging/central-channels/"+channel+"/messages", nil).body)
	if !strings.Contains(list, canary) || strings.Contains(list, "too late") {
		t.Errorf("after the restore: %s", list)
	}
	verified(t, "after the restore", again, nil)
	p.stop(t)
	verified(t, "after the server has stopped", again, nil)
}

// Nodes that share a log have keys and salt in the schema vault, which a dump of the database may leave out.
func TestAVaultThatWasLeftOutOfARestoreIsNamedByTheDoctor(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	_, url := spawnStore(t, t.TempDir())
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + database, "EVENTSTORE_URL=" + url, "CHARACTERS_DIR=" + mustAbs(t, "../../deploy/characters")}
	p := spawn(t, settings...)
	p.must(t, http.StatusCreated, http.MethodPost, "/api/agents", map[string]any{"characterJson": map[string]any{
		"name": "Secretive", "bio": "keeps things", "settings": map[string]any{"secrets": map[string]any{"KEY": "of a safe"}},
	}})
	p.stop(t)
	if said, ill := doctor(t, settings...); ill {
		t.Errorf("before anything is missing the doctor says: %s", said)
	}
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, loss := range []struct{ statement, says string }{
		{"delete from vault.salts", "the salt is missing"}, {"drop schema vault cascade", "keys of the log are lost"},
	} {
		if _, err := conn.Exec(t.Context(), loss.statement); err != nil {
			t.Fatal(err)
		}
		if said, ill := doctor(t, settings...); !ill || !strings.Contains(said, loss.says) || !strings.Contains(said, "vault") {
			t.Errorf("after %q the doctor says: %s", loss.statement, said)
		}
	}
}
