package embedded_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"annals/events/embedded"
)

// onSmallDisk runs a test in a process of its own, on a disk in memory with few inodes, which needs root for its mount
// namespace. It reports whether this is that process, and where the disk is.
func onSmallDisk(t *testing.T) (disk string, here bool) {
	t.Helper()
	if disk = os.Getenv("ANNALS_SMALL_DISK"); disk != "" {
		must(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
		must(t, syscall.Mount("none", disk, "tmpfs", 0, "size=400m,nr_inodes=400"))
		return disk, true
	}
	if os.Geteuid() != 0 {
		t.Skip("a disk with few inodes can be mounted by root only")
	}
	child := again(t, "ANNALS_SMALL_DISK="+t.TempDir())
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	out, err := child.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("no mount namespace may be made here")
	}
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
	return "", false
}

// again is a process that runs the same test once more.
func again(t *testing.T, env string) *exec.Cmd {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), env)
	return child
}

// filled takes all inodes of a disk but so many.
func filled(t *testing.T, disk string, but uint64) (fillers []string) {
	t.Helper()
	for i := 0; ; i++ {
		var fs syscall.Statfs_t
		must(t, syscall.Statfs(disk, &fs))
		if fs.Ffree <= but {
			return fillers
		}
		f := filepath.Join(disk, fmt.Sprint("filler", i))
		must(t, os.WriteFile(f, nil, 0o600))
		fillers = append(fillers, f)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.String()
}

func TestADiskWithoutInodesRefusesWritesUntilThereAreSome(t *testing.T) {
	t.Parallel()
	disk, here := onSmallDisk(t)
	if !here {
		return
	}
	refusesWritesWhile(t, filepath.Join(disk, "log"), "full", func() (undo func()) {
		fillers := filled(t, disk, 0)
		return func() {
			for _, f := range fillers {
				must(t, os.Remove(f))
			}
		}
	})
}

func TestAProcessWithoutDescriptorsRefusesWritesUntilThereAreSome(t *testing.T) {
	t.Parallel()
	const few = "ANNALS_FEW_DESCRIPTORS"
	if os.Getenv(few) == "" {
		if out, err := again(t, few+"=yes").CombinedOutput(); err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
		return
	}
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 256, Max: 256}))
	refusesWritesWhile(t, filepath.Join(t.TempDir(), "log"), "descriptors", func() (undo func()) {
		var taken []*os.File
		for {
			f, err := os.Open(os.DevNull)
			if errors.Is(err, syscall.EMFILE) {
				break
			}
			must(t, err)
			taken = append(taken, f)
		}
		return func() {
			for _, f := range taken {
				must(t, f.Close())
			}
		}
	})
}

// refusesWritesWhile fails the test unless a node refuses writes for that reason while something is taken away, goes on to
// read, loses nothing, says little, and accepts writes again when it is given back.
func refusesWritesWhile(t *testing.T, dir, reason string, take func() (undo func())) {
	t.Helper()
	var logs lockedBuffer
	n := startNode(t, embedded.Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(&logs, nil))})
	large := func() error {
		event := named("T", 1)[0]
		event.ContentType, event.Data = esdb.ContentTypeBinary, make([]byte, 1<<20)
		_, err := n.AppendToStream(testContext(t), "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, event)
		return err
	}
	written := 0
	for range 3 {
		must(t, large())
		written++
		undo := take()
		var refused error
		for i := 0; i < 100 && refused == nil; i++ { // several times what Pebble needs a new file for
			if refused = large(); refused == nil {
				written++
			}
		}
		holds(t, refused != nil && strings.Contains(refused.Error(), reason), fmt.Sprint("refused with ", refused))
		equal(t, len(n.read(t, "s", esdb.ReadStreamOptions{})), written)
		undo()
		eventually(t, "writes are accepted again", func() bool { return large() == nil })
		written++
	}
	equal(t, len(n.read(t, "s", esdb.ReadStreamOptions{})), written)
	holds(t, strings.Count(logs.text(), "\n") < 40, "logged was "+logs.text())
	closeNode(t, n.Node)
	equal(t, len(startNode(t, embedded.Options{Dir: dir}).read(t, "s", esdb.ReadStreamOptions{})), written)
}
