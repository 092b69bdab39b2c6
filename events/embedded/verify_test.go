package embedded_test

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2"

	"annals/events/embedded"
)

// damages are what Verify says of a log, what kept it from going on included.
func damages(t testing.TB, l embedded.Log) (found []string) {
	t.Helper()
	v, err := l.Verify(testContext(t), func(err error) { found = append(found, err.Error()) })
	equal(t, v.Damages, len(found))
	if err != nil {
		found = append(found, err.Error())
	}
	return found
}

func sound(t testing.TB, l embedded.Log) {
	t.Helper()
	equal(t, damages(t, l), nil)
}

func TestVerifyFindsNothingWrongWithAnythingThatANodeWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNode(t, embedded.Options{Dir: dir})
	busy(t, n)
	sound(t, logOf(dir, n.socket))
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "copy-of-*"))
	must(t, err)
	equal(t, left, nil)
	closeNode(t, n.Node)
	sound(t, logOf(dir, ""))
}

// closedLog has events in a table and in a write-ahead log, and no node.
func closedLog(t testing.TB) string {
	dir := t.TempDir()
	for range 2 { // opening writes the table
		n := startNode(t, embedded.Options{Dir: dir})
		for i := range 20 {
			n.append(t, fmt.Sprint("s", i%3), named("T", 5)...)
		}
		closeNode(t, n.Node)
	}
	return dir
}

func copyOf(t testing.TB, dir string) string {
	copied := t.TempDir()
	must(t, os.CopyFS(copied, os.DirFS(dir)))
	return copied
}

// endMark is how long the mark may be that a clean end puts behind the last write; without it nothing is lost.
const endMark = 40

// fileWith is the largest file of a kind.
func fileWith(t testing.TB, dir, suffix string) (name string, size int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		if strings.HasSuffix(e.Name(), suffix) && info.Size() > size {
			name, size = e.Name(), info.Size()
		}
	}
	holds(t, size > 0, "no file "+suffix)
	return name, size
}

func TestAFlippedByteIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	whole := closedLog(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, kind := range []string{".sst", ".log"} {
		file, size := fileWith(t, whole, kind)
		for range 12 {
			at := random.Int64N(size - endMark)
			t.Run(fmt.Sprint(kind, " at ", at, " of ", size), func(t *testing.T) {
				t.Parallel()
				dir := copyOf(t, whole)
				b, err := os.ReadFile(filepath.Join(dir, file))
				must(t, err)
				b[at] ^= 0x10
				must(t, os.WriteFile(filepath.Join(dir, file), b, 0o600))
				found := damages(t, logOf(dir, ""))
				holds(t, len(found) > 0, "not found")
				named := strings.Contains(found[0], "position") || strings.Contains(found[0], strings.TrimSuffix(file, kind))
				holds(t, named, found[0])
				if kind == ".log" {
					said := refused(t, dir)
					holds(t, strings.Contains(said, file) && strings.Contains(said, "restore a backup"), said)
				} else {
					toldAtStart(t, dir)
				}
			})
		}
	}
}

// refused tells that no node starts on the log, and why.
func refused(t testing.TB, dir string) string {
	t.Helper()
	n, err := embedded.Open(t.Context(), embedded.Options{Dir: dir, Logger: quiet()})
	if err == nil {
		closeNode(t, n)
		t.Fatal("a node starts on a damaged log")
	}
	return err.Error()
}

// toldAtStart tells that a node does not start on the log, or reports the damage by itself.
func toldAtStart(t testing.TB, dir string) {
	t.Helper()
	var told lines
	n, err := embedded.Open(t.Context(), embedded.Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(&told, nil))})
	if err != nil {
		return
	}
	defer closeNode(t, n)
	eventually(t, "the damage is reported", func() bool { return strings.Contains(told.String(), "is damaged") })
}

// lines is a log that is written and read at the same time.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestATruncatedFileIsFoundByVerifyAndAtStart(t *testing.T) {
	t.Parallel()
	whole := closedLog(t)
	for _, kind := range []string{".sst", ".log"} {
		file, size := fileWith(t, whole, kind)
		for _, left := range []int64{0, size / 3, size - endMark} {
			t.Run(fmt.Sprint(kind, " to ", left), func(t *testing.T) {
				t.Parallel()
				dir := copyOf(t, whole)
				must(t, os.Truncate(filepath.Join(dir, file), left))
				found := damages(t, logOf(dir, ""))
				holds(t, len(found) > 0, "not found")
				why := refused(t, dir)
				holds(t, strings.Contains(why, "position") || strings.Contains(why, strings.TrimSuffix(file, kind)), why)
			})
		}
	}
}

// number is how the log's keys hold numbers.
func number(space byte, parts ...uint64) []byte {
	key := []byte{space}
	for _, p := range parts {
		key = binary.BigEndian.AppendUint64(key, p)
	}
	return key
}

func TestIndexAndLogAreHeldAgainstEachOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNode(t, embedded.Options{Dir: dir})
	n.append(t, "s", named("T", 3)...) // 7, 8, 9
	equal(t, n.readAll(t, esdb.ReadAllOptions{})[6].Event.Position.Commit, 7)
	closeNode(t, n.Node)
	for what, c := range map[string]struct {
		change func(*pebble.DB) error
		want   string
		starts bool
	}{
		"an event is missing":          {func(db *pebble.DB) error { return db.Delete(number('l', 8), nil) }, "between positions 7 and 9", true},
		"the newest event is missing":  {func(db *pebble.DB) error { return db.Delete(number('l', 9), nil) }, "ends at position 8", false},
		"an index entry is missing":    {func(db *pebble.DB) error { return db.Delete(number('i', 7, 1), nil) }, "position 8, revision 1", false},
		"an index entry leads astray":  {func(db *pebble.DB) error { return db.Set(number('i', 7, 1), number(0, 7)[1:], nil) }, "position 8, revision 1", false},
		"an index entry leads nowhere": {func(db *pebble.DB) error { return db.Set(number('i', 7, 3), number(0, 10)[1:], nil) }, "leads to position 10", true},
		"the state is missing":         {func(db *pebble.DB) error { return db.Delete([]byte("ss"), nil) }, `state of stream "s" is missing`, false},
		"an event stands elsewhere": {func(db *pebble.DB) error {
			v, closer, err := db.Get(number('l', 8))
			must(t, err)
			defer closer.Close()
			return db.Set(number('l', 10), v, nil)
		}, "position 10", false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			changed := copyOf(t, dir)
			db, err := pebble.Open(changed, &pebble.Options{FormatMajorVersion: pebble.FormatNewest, Logger: pebbleSilence{}})
			must(t, err)
			must(t, c.change(db))
			must(t, db.Close())
			found := strings.Join(damages(t, logOf(changed, "")), "\n")
			holds(t, strings.Contains(found, c.want), found)
			if !c.starts {
				refused(t, changed)
			}
		})
	}
}

type pebbleSilence struct{}

func (pebbleSilence) Infof(string, ...any)  {}
func (pebbleSilence) Errorf(string, ...any) {}
func (pebbleSilence) Fatalf(f string, a ...any) {
	panic(fmt.Sprintf(f, a...))
}
