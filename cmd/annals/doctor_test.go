package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"annals/deploy/postgres/pgtest"
)

// healthy are the settings of a machine on which a server could start.
func healthy(t *testing.T) []string {
	t.Helper()
	return []string{"DATA_DIR=" + filepath.Join(t.TempDir(), "data"), "POSTGRES_URL=" + pgtest.New(t), "SERVER_PORT=0"}
}

func TestTheDoctorFindsNothingWhereNothingIsWrongAndChangesNothing(t *testing.T) {
	t.Parallel()
	settings := healthy(t)
	said, ill := doctor(t, settings...)
	if ill || !strings.Contains(said, "everything is well") {
		t.Errorf("the doctor says: %s", said)
	}
	if _, err := os.Stat(strings.TrimPrefix(settings[0], "DATA_DIR=")); err == nil {
		t.Error("the doctor made the data folder")
	}
}

func TestTheDoctorNamesWhatIsMissingOrWrongWithItsRemedy(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	nobody := "127.0.0.1:1"
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := t.TempDir()
	if err := os.Mkdir(filepath.Join(open, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(open, "keys"), 0o755); err != nil { //nolint:gosec // what is to be found
		t.Fatal(err)
	}
	usual := healthy(t)
	for what, c := range map[string]struct{ setting, says, remedy string }{
		"no characters":      {"CHARACTERS_DIR=" + filepath.Join(open, "nowhere"), "no characters under", "set CHARACTERS_DIR"},
		"a file as folder":   {"DATA_DIR=" + file, "is no folder", "set DATA_DIR"},
		"keys for everybody": {"DATA_DIR=" + open, "is open to other users", "chmod 700"},
		"no database":        {"POSTGRES_URL=postgres://nobody:s3cret@" + nobody + "/x", "cannot be reached", "correct POSTGRES_URL"},
		"no event store":     {"EVENTSTORE_URL=esdb://" + nobody + "?tls=false", "does not answer", "correct EVENTSTORE_URL"},
		"a misspelt store":   {"EVENTSTORE_URL=http://" + nobody, "EVENTSTORE_URL", "correct EVENTSTORE_URL"},
		"no model":           {"OPENAI_BASE_URL=http://" + nobody, "could not be reached", "correct OPENAI_API_KEY, OPENAI_BASE_URL"},
		"a port that is not": {"SERVER_PORT=" + taken, "port " + taken + " of 127.0.0.1 is taken", "set SERVER_PORT"},
		"no such address":    {"SERVER_HOST=192.0.2.1", "192.0.2.1", "correct SERVER_HOST"},
	} {
		said, ill := doctor(t, append(usual, c.setting)...)
		if !ill || !strings.Contains(said, c.says) || !strings.Contains(said, c.remedy) {
			t.Errorf("%s: the doctor says: %s", what, said)
		}
		if strings.Contains(said, "s3cret") {
			t.Errorf("%s: the doctor tells a password: %s", what, said)
		}
	}
}

func TestTheDoctorFindsAServerOnAnotherPortAndSaysWhenItDoesNotAnswer(t *testing.T) {
	t.Parallel() // it waits most of the time
	dir, database := t.TempDir(), pgtest.New(t)
	p := spawn(t, "SERVER_PORT=0", "DATA_DIR="+dir, "POSTGRES_URL="+database, "ELIZA_SERVER_AUTH_TOKEN=secret")
	settings := []string{"DATA_DIR=" + dir, "POSTGRES_URL=" + database, "SERVER_PORT=1"}
	if said, ill := doctor(t, append(settings, "ELIZA_SERVER_AUTH_TOKEN=secret")...); ill || !strings.Contains(said, "up to date") {
		t.Errorf("the doctor says: %s", said)
	}
	if said, ill := doctor(t, settings...); !ill || !strings.Contains(said, "set ELIZA_SERVER_AUTH_TOKEN") {
		t.Errorf("without the key the doctor says: %s", said)
	}
	p.freeze(t)
	if said, ill := doctor(t, settings...); !ill || !strings.Contains(said, "does not answer") || !strings.Contains(said, "end it if it is frozen") {
		t.Errorf("of a frozen server the doctor says: %s", said)
	}
}

func TestVersionsAreCompared(t *testing.T) {
	t.Parallel()
	for version, enough := range map[string]bool{"0.8.0": true, "0.8": true, "0.10.1": true, "1.0": true, "0.7.4": false, "": false, "x.8": false} {
		if atLeast(version, 0, 8) != enough {
			t.Errorf("%q is enough: %t", version, !enough)
		}
	}
}
