package embedded_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"annals/events/embedded"
)

// logOf is the log in dir, with the node that has it open or without one.
func logOf(dir, socket string) embedded.Log {
	return embedded.Log{Dir: dir, Socket: socket, Logger: quiet()}
}

func TestABackupUnderLoadHoldsAllThatWasAcknowledgedBefore(t *testing.T) {
	t.Parallel()
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	n := startNode(t, embedded.Options{Dir: dir})
	a := &acknowledged{events: map[string]esdb.Position{}}
	ctx, cancel := context.WithCancel(context.Background())
	writers := burden(ctx, n.raw(t), 4, a)
	eventually(t, "it takes writes", func() bool { return len(a.snapshot()) > 600 })
	before := a.snapshot()
	must(t, logOf(dir, n.socket).Backup(testContext(t), copied))
	eventually(t, "writes go on", func() bool { return len(a.snapshot()) > len(before)+100 })
	cancel()
	writers.Wait()
	err := logOf(dir, n.socket).Backup(testContext(t), copied)
	holds(t, err != nil && strings.Contains(err.Error(), copied+" exists"), fmt.Sprint("a backup over another: ", err))
	info, err := os.Stat(copied)
	must(t, err)
	equal(t, info.Mode().Perm(), 0o700)
	sound(t, logOf(copied, ""))
	intact(t, startNode(t, embedded.Options{Dir: copied}), before)
}

func TestALogThatNobodyHasOpenIsBackedUpToo(t *testing.T) {
	t.Parallel()
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	n := startNode(t, embedded.Options{Dir: dir})
	n.append(t, "s", named("T", 3)...)
	want := n.readAll(t, esdb.ReadAllOptions{})
	closeNode(t, n.Node)
	must(t, logOf(dir, n.socket).Backup(testContext(t), copied))
	equal(t, startNode(t, embedded.Options{Dir: copied}).readAll(t, esdb.ReadAllOptions{}), want)
	missing := logOf(filepath.Join(dir, "missing"), "")
	_, verified := missing.Verify(testContext(t), func(error) {})
	for _, err := range []error{missing.Backup(testContext(t), copied+"2"), verified} {
		holds(t, err != nil && strings.Contains(err.Error(), "there is no event log"), fmt.Sprint("a missing log: ", err))
	}
}

func TestBackupsAreNotTakenForCallersFromTheNetwork(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	conn, err := grpc.NewClient(listenTCP(t, n), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	defer conn.Close()
	dir := filepath.Join(t.TempDir(), "backup")
	err = conn.Invoke(testContext(t), "/annals.eventstore.Backups/Take", wrapperspb.String(dir), &emptypb.Empty{})
	wantCode(t, err, codes.PermissionDenied)
	_, err = os.Stat(dir)
	holds(t, os.IsNotExist(err), "it was taken")
}

// busy fills a log with everything that an export has to keep.
func busy(t testing.TB, n running) {
	t.Helper()
	n.append(t, "s", named("T", 5)...)
	odd := named("Odd", 5)
	odd[0].Data, odd[0].ContentType = []byte{0, 255, 1}, esdb.ContentTypeBinary
	odd[1].Data = []byte("{ \"spaced\" : \"out\" }\n")
	odd[2].Data = []byte(`{"html":"<b>&</b>","line":"` + "\u2028" + `"}`)
	odd[3].Data, odd[3].Metadata = nil, nil
	odd[4].Data = []byte(`{"ü":"<b>&</b>","a":1e400,"a":2}`)
	n.append(t, "ünï \x00 cødé", odd...)
	n.setMetadata(t, "s", `{"$maxCount":3}`)
	n.append(t, "deleted", named("T", 2)...)
	n.delete(t, "deleted")
	n.append(t, "revived", named("T", 2)...)
	n.delete(t, "revived")
	n.append(t, "revived", named("T", 1)...)
	n.append(t, "gone", named("T", 2)...)
	n.tombstone(t, "gone")
	n.createGroup(t, "s", quickSettings())
	m := n.join(t, "s", 1)
	_, _ = m.next()
	must(t, m.Close())
}

func export(t testing.TB, l embedded.Log) []byte {
	t.Helper()
	var b bytes.Buffer
	count, err := l.Export(testContext(t), &b)
	must(t, err)
	equal(t, bytes.Count(b.Bytes(), []byte("\n")), count)
	return b.Bytes()
}

func TestAnImportedExportIsTheSameLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNode(t, embedded.Options{Dir: dir})
	busy(t, n)
	exported := export(t, logOf(dir, n.socket)) // of a running node
	all := n.readAll(t, esdb.ReadAllOptions{})
	taken := filepath.Join(t.TempDir(), "taken")
	count, err := embedded.Import(testContext(t), taken, bytes.NewReader(exported), quiet())
	must(t, err)
	equal(t, count, len(all))
	equal(t, string(export(t, logOf(taken, ""))), string(exported))
	sound(t, logOf(taken, ""))
	home := startNode(t, embedded.Options{Dir: taken})
	equal(t, home.readAll(t, esdb.ReadAllOptions{}), all)
	for _, stream := range []string{"s", "revived", "$$s", "ünï \x00 cødé"} {
		equal(t, home.read(t, stream, esdb.ReadStreamOptions{}), n.read(t, stream, esdb.ReadStreamOptions{}))
	}
	r := home.raw(t)
	holds(t, !r.found(t, "deleted"), "a deleted stream is back")
	equal(t, r.outcome(t, "gone", anyState, named("T", 1)[0].EventID), "[stream-deleted]")
	w := home.append(t, "s", named("T", 1)...)
	equal(t, w.NextExpectedVersion, 5)
	holds(t, w.CommitPosition > all[len(all)-1].Event.Position.Commit, "positions go on")
}

func TestAnImportKeepsGapsAndRefusesWhatIsNoLog(t *testing.T) {
	t.Parallel()
	const first = `{"position":7,"stream":"s","revision":3,"id":"0191e0a4-0000-7000-8000-000000000001","type":"T","json":true,` +
		`"created":"2024-02-29T12:00:00.1234567Z","data":{"json":{"a":1}},"metadata":null}` + "\n"
	second := strings.NewReplacer(`"position":7`, `"position":900`, `"revision":3`, `"revision":5`, "000001", "000002").Replace(first)
	dir := filepath.Join(t.TempDir(), "log")
	count, err := embedded.Import(testContext(t), dir, strings.NewReader(first+second), quiet())
	must(t, err)
	equal(t, count, 2)
	sound(t, logOf(dir, ""))
	n := startNode(t, embedded.Options{Dir: dir})
	got := n.read(t, "s", esdb.ReadStreamOptions{})
	equal(t, revisions(got), []uint64{3, 5})
	equal(t, got[1].Event.Position.Commit, 900)
	equal(t, got[0].Event.CreatedDate.UTC().Format("2006-01-02T15:04:05.0000000"), "2024-02-29T12:00:00.1234567")
	equal(t, n.append(t, "s", named("T", 1)...).CommitPosition, 901)
	for what, lines := range map[string]string{
		"nothing": "", "a blank line": "\n", "a byte order mark alone": "\ufeff", "a position twice": first + first, "a revision twice": first + strings.Replace(second, `"revision":5`, `"revision":3`, 1),
		"no id": strings.Replace(first, "0191e0a4", "zzz", 1), "no stream": strings.Replace(first, `"s"`, `""`, 1),
		"cut off": first[:40], "position 0": strings.Replace(first, ":7", ":0", 1), "a huge position": strings.Replace(first, ":7", ":9223372036854775808", 1),
		"the revision of a tombstone": strings.Replace(first, `"revision":3`, `"revision":9223372036854775807`, 1),
	} {
		into := filepath.Join(t.TempDir(), "log")
		_, err := embedded.Import(testContext(t), into, strings.NewReader(lines), quiet())
		holds(t, err != nil, what)
		_, err = os.Stat(into)
		holds(t, os.IsNotExist(err), what+" left a log behind")
	}
	_, err = embedded.Import(testContext(t), dir, strings.NewReader(first), quiet())
	holds(t, err != nil, "imported into a log")
}
