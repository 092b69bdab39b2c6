package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/jackc/pgx/v5"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/events/embedded"
)

// exported is the log of a stopped server, line by line.
func exported(t *testing.T, dir string) []embedded.Line {
	t.Helper()
	var text bytes.Buffer
	l := embedded.Log{Dir: filepath.Join(dir, "events"), Logger: node.Level("error").Logger()}
	if _, err := l.Export(t.Context(), &text); err != nil {
		t.Fatal(err)
	}
	var lines []embedded.Line
	for d := json.NewDecoder(&text); d.More(); {
		var line embedded.Line
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// copied is a copy of a data folder with a log that somebody has made of these lines.
func copied(t *testing.T, dir string, lines []embedded.Line) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if lines == nil {
		return to
	}
	var text bytes.Buffer
	w := embedded.NewLineWriter(&text)
	for _, l := range lines {
		if err := w.Write(l); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(w.Flush(), os.RemoveAll(filepath.Join(to, "events")))
	if err == nil {
		_, err = embedded.Import(t.Context(), filepath.Join(to, "events"), &text, node.Level("error").Logger())
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// overwrite puts other bytes of the same length into an event where the store has it, checksum included.
func overwrite(t *testing.T, dir string, position uint64, old, with string) {
	t.Helper()
	db, err := pebble.Open(filepath.Join(dir, "events"), &pebble.Options{Logger: silent{}, FormatMajorVersion: pebble.FormatNewest})
	if err != nil {
		t.Fatal(err)
	}
	key := binary.BigEndian.AppendUint64([]byte{'l'}, position)
	value, closer, err := db.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Replace(value, []byte(old), []byte(with), 1)
	if err := closer.Close(); err != nil || bytes.Equal(other, value) {
		t.Fatalf("%v: nothing was changed in %q", err, other)
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	binary.BigEndian.PutUint32(other, crc32.Update(crc32.Checksum(key[1:], table), table, other[4:]))
	if err := errors.Join(db.Set(key, other, pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
}

type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// verified runs the command and holds its exit status against whether something was to be found.
func verified(t *testing.T, name string, settings, args []string, says ...string) {
	t.Helper()
	said, err := annalsSays(t.Context(), settings, append([]string{"verify"}, args...)...)
	exit := new(exec.ExitError)
	if errors.As(err, &exit); (len(says) > 0) != (err != nil) || err != nil && exit.ExitCode() != 1 {
		t.Errorf("%s: %v: %s", name, err, said)
	}
	if len(says) == 0 {
		says = []string{"everything is well"}
	}
	for _, s := range says {
		if !strings.Contains(said, s) {
			t.Errorf("%s: it does not say %q: %s", name, s, said)
		}
	}
}

func TestVerifyNamesWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	dir, url := t.TempDir(), pgtest.New(t)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + url}
	p, _, _ := talked(t, settings)
	verified(t, "beside a server", settings, nil)
	p.stop(t)
	said, err := annalsSays(t.Context(), settings, "verify")
	if err != nil || !strings.Contains(said, "everything is well") || !strings.Contains(said, "covers what was recorded up to position") {
		t.Fatalf("%v: %s", err, said)
	}
	lines := exported(t, dir)
	var at []int // messages and edits
	for i, l := range lines {
		if strings.HasPrefix(l.Stream, "message-") {
			at = append(at, i)
		}
	}
	if len(at) < 2 {
		t.Fatalf("too little was said: %d", len(at))
	}
	i, j, last := at[0], at[1], len(lines)-1
	started := slices.IndexFunc(lines, func(l embedded.Line) bool { return l.Type == "AgentStarted" })
	for lines[last].Type[0] == '$' {
		last--
	}
	of := func(i int) string {
		return fmt.Sprintf("%s at position %d (%s", lines[i].Type, lines[i].Position, lines[i].Stream)
	}
	inserted := func(by uint64) func([]embedded.Line) []embedded.Line {
		return func(l []embedded.Line) []embedded.Line {
			extra := l[j]
			extra.ID[0] ^= 1
			extra.Stream, extra.Revision = extra.Stream+"0", 0
			for n := j; n < len(l); n++ {
				l[n].Position += by
			}
			return append(l[:j:j], append([]embedded.Line{extra}, l[j:]...)...)
		}
	}
	named := fmt.Sprintf("%s at position %d (%s0, revision 0) was inserted", lines[j].Type, lines[j].Position, lines[j].Stream)
	for name, c := range map[string]struct {
		tamper func([]embedded.Line) []embedded.Line
		says   []string
	}{
		"nothing": {tamper: func(l []embedded.Line) []embedded.Line { return l }},
		"changed": {func(l []embedded.Line) []embedded.Line {
			l[i].Data = bytes.Replace(l[i].Data, []byte(`"sourceType":"eliza_gui"`), []byte(`"sourceType":"eliza_gux"`), 1)
			return l
		}, []string{of(i), ") was changed", "1 finding"}},
		"removed": {
			func(l []embedded.Line) []embedded.Line { return append(l[:i], l[i+1:]...) },
			[]string{fmt.Sprintf("the event at position %d was removed", lines[i].Position)},
		},
		"swapped": {func(l []embedded.Line) []embedded.Line {
			l[i], l[j] = l[j], l[i]
			l[i].Position, l[j].Position = l[j].Position, l[i].Position
			l[i].Revision, l[j].Revision = 0, 1 // as a store would have them
			return l
		}, []string{fmt.Sprintf("was swapped with the event at position %d", lines[j].Position), fmt.Sprintf("was swapped with the event at position %d", lines[i].Position)}},
		"inserted":           {inserted(1), []string{named, "+1 from where they were"}},
		"inserted far ahead": {inserted(1000), []string{named, "+1000 from where they were"}},
		"dated back": {func(l []embedded.Line) []embedded.Line {
			l[i].Created = l[i-1].Created
			return l
		}, []string{"revisions or times of the events from position"}},
		"of an unknown type": {func(l []embedded.Line) []embedded.Line {
			l[i].Type = "MessageFlown"
			return l
		}, []string{"was changed", "MessageFlown at position", "cannot be read: this build does not know the type"}},
		"with a cause that never was": {func(l []embedded.Line) []embedded.Line {
			cause := regexp.MustCompile(`"\$causationId":"[^"]*"`)
			l[i].Metadata = cause.ReplaceAll(l[i].Metadata, []byte(`"$$causationId":"`+somebody+`"`))
			return l
		}, []string{"was changed", "names a cause that is neither its request nor an earlier fact: " + somebody}},
		"a hole": {
			func(l []embedded.Line) []embedded.Line { return append(l[:started], l[started+1:]...) },
			[]string{fmt.Sprintf("the event at position %d was removed", lines[started].Position), "AgentStopped at position", "revision 2) follows revision 0 of its stream"},
		},
		"cut off": {func(l []embedded.Line) []embedded.Line { return l[:last] }, []string{fmt.Sprintf("the event at position %d was removed", lines[last].Position)}},
	} {
		to := []string{"DATA_DIR=" + copied(t, dir, c.tamper(exported(t, dir))), "POSTGRES_URL=" + url}
		verified(t, name, to, []string{"--no-rows"}, c.says...)
	}

	raw := copied(t, dir, nil)
	overwrite(t, raw, lines[i].Position, `"sourceType":"eliza_gui"`, `"sourceType":"eliza_gux"`)
	verified(t, "overwritten", []string{"DATA_DIR=" + raw, "POSTGRES_URL=" + url}, nil, of(i), ") was changed")
	verified(t, "a copy", []string{"DATA_DIR=" + copied(t, dir, nil), "POSTGRES_URL=" + url}, nil)

	verifiedRows(t, settings, url)
}

// verifiedRows tampers with read models.
func verifiedRows(t *testing.T, settings []string, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var schema string
	if err := conn.QueryRow(t.Context(), `select 'agents_g' || generation from annals.generations where projection = 'agents'`).Scan(&schema); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ sql, says string }{
		{"update " + schema + ".agents set name = 'Somebody else'", "is not what the log says in name"},
		{"update " + schema + ".agents set id = gen_random_uuid()", "stands for nothing in the log"},
		{"delete from " + schema + ".agents", "is missing"},
	} {
		if _, err := conn.Exec(t.Context(), c.sql); err != nil {
			t.Fatal(err)
		}
		verified(t, c.sql, settings, nil, c.says)
	}
}
