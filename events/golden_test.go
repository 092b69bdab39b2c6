package events

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

var update = flag.Bool("update", false, "write the golden files that are missing, and their sums")

const goldenSums = "testdata/golden.sum"

// gained names the files of optional fields that a type gained after its first file was written.
var gained = map[string][]string{
	"ChannelCreated":   {"ChannelCreated.v1.opening.json", "ChannelCreated.v1.named.json"},
	"ChannelUpdated":   {"ChannelUpdated.v1.opening.json", "ChannelUpdated.v1.named.json"},
	"MessageSubmitted": {"MessageSubmitted.v1.subject.json"}, "MessageEdited": {"MessageEdited.v1.subject.json", "MessageEdited.v1.action.json"},
	"RoomCreated": {"RoomCreated.v1.named.json"}, "MemoryDeleted": {"MemoryDeleted.v1.forgotten.json"},
	"MemoryEmbedded": {"MemoryEmbedded.v1.repeat.json"},
	"LogRecorded":    {"LogRecorded.v1.reasoning.json"}, "SubjectErased": {"SubjectErased.v1.key.json"},
}

// golden is one fact as a release wrote it: in clear, and as the store keeps it, sealed under the keys of fixedKeys.
type golden struct {
	ID       uuid.UUID       `json:"id"`
	Type     string          `json:"type"`
	Metadata json.RawMessage `json:"metadata"`
	Payload  json.RawMessage `json:"payload"`
	Stored   json.RawMessage `json:"stored"`
}

// goldenFile is the file of a type in its current schema.
func goldenFile(typ string) string {
	return filepath.Join("testdata", fmt.Sprintf("%s.v%d.json", typ, released.current(typ)))
}

// wanted are the files that a type has in its current schema.
func wanted(typ string) []string {
	files := []string{goldenFile(typ)}
	for _, name := range gained[typ] {
		files = append(files, filepath.Join("testdata", name))
	}
	return files
}

// TestMain writes golden files before anything reads them; one that is there is never touched.
func TestMain(m *testing.M) {
	flag.Parse()
	if *update {
		if err := writeMissingGolden(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func writeMissingGolden() error {
	codec := NewCodec(newFixedKeys())
	sums, err := readSums()
	if err != nil {
		return err
	}
	for _, e := range samples {
		for _, file := range wanted(e.EventType()) {
			if _, err := os.Stat(file); err == nil {
				continue
			}
			content, err := codec.golden(e)
			if err != nil {
				return err
			}
			if err := os.WriteFile(file, content, 0o644); err != nil {
				return err
			}
			if _, ok := sums[file]; !ok {
				sums[file] = sum(content)
			}
		}
	}
	var lines []string
	for file, s := range sums {
		lines = append(lines, s+"  "+filepath.Base(file)+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return os.WriteFile(goldenSums, []byte(strings.Join(lines, "")), 0o644)
}

func (c *Codec) golden(e Event) ([]byte, error) {
	meta := sampleMeta
	meta.Schema = c.upcasters.current(e.EventType())
	enc, err := c.Encode(context.Background(), Proposed{ID: factID, Event: e, Meta: meta})
	if err != nil {
		return nil, err
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(golden{
		ID: enc.ID, Type: enc.Type, Metadata: enc.Metadata, Payload: payload, Stored: enc.Data,
	}, "", "  ")
	return append(out, '\n'), err
}

func readSums() (map[string]string, error) {
	b, err := os.ReadFile(goldenSums)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(b)) {
		s, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			return nil, fmt.Errorf("%s: the line %q is no sum and name", goldenSums, line)
		}
		sums[filepath.Join("testdata", name)] = s
	}
	return sums, nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func TestEveryTypeHasAGoldenFileOfItsCurrentSchema(t *testing.T) {
	t.Parallel()
	for _, e := range catalogue {
		for _, file := range wanted(e.EventType()) {
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s lacks a golden file: write it with `go test ./events -update` (%v)", e.EventType(), err)
			}
		}
	}
}

func TestGoldenFilesAreNeverChanged(t *testing.T) {
	t.Parallel()
	sums, err := readSums()
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range sums {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("a golden file is gone: events of that schema are in people's logs: %v", err)
		} else if sum(content) != want {
			t.Errorf("%s was changed: a released schema only gains optional fields; a new meaning is a new schema with an upcaster", file)
		}
	}
	for _, file := range goldenFiles(t) {
		if sums[file] == "" {
			t.Errorf("%s is not listed in %s", file, goldenSums)
		}
	}
}

func TestEveryGoldenFileStillDecodes(t *testing.T) {
	t.Parallel()
	codec := NewCodec(newFixedKeys())
	for _, file := range goldenFiles(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var g golden
		if err := json.Unmarshal(content, &g); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		r := decode(t, codec, Encoded{ID: g.ID, Type: g.Type, Data: g.Stored, Metadata: g.Metadata})
		if u, ok := r.Event.(Unknown); ok {
			t.Errorf("%s: %v", file, u.Reason)
			continue
		}
		if !slices.Contains(wanted(r.Event.EventType()), file) {
			continue // of an earlier schema: the upcaster's own test tells what it became
		}
		if got := toJSON(t, r.Event); got != compact(t, g.Payload) {
			t.Errorf("%s reads\n%s\nbut was written as\n%s", file, got, compact(t, g.Payload))
		}
		if got := toJSON(t, r.Meta); got != compact(t, g.Metadata) {
			t.Errorf("%s: metadata reads\n%s\nbut was written as\n%s", file, got, compact(t, g.Metadata))
		}
	}
}

func goldenFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.v*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	return files
}

func compact(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
