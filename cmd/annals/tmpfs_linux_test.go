package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"annals/cmd/internal/node"
)

// mounted starts a command of annals that sees a tmpfs with these options at a folder, in a mount namespace of its own. inside is
// the folder as the test reaches it.
func mounted(t *testing.T, dir, options string, args ...string) (p *process, inside string) {
	t.Helper()
	canMount(t)
	p = command(t, "unshare", dir, nil, append([]string{"--mount", "sh", "-c", mounting(dir, options), os.Args[0]}, args...)...)
	return p, fmt.Sprintf("/proc/%d/root%s", p.cmd.Process.Pid, dir)
}

func mounting(dir, options string) string {
	return "mount -t tmpfs -o " + options + " annals '" + dir + "' && exec \"$0\" \"$@\""
}

func canMount(t *testing.T) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "unshare", "--mount", "true").Run(); err != nil {
		t.Skipf("mount namespaces cannot be made here, which root may: %v", err)
	}
}

// A small disk that fills up refuses writes while it is full, and takes them again by itself.
func TestOutageOfASmallDiskThatIsFullEndsWhenThereIsRoom(t *testing.T) {
	t.Parallel() // it waits most of the time
	for name, disk := range map[string]struct {
		options string
		fill    func(t *testing.T, dir string)
	}{
		"no bytes":  {"size=160m", fillBytes},
		"no inodes": {"size=160m,nr_inodes=400", fillInodes},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store, inside := mounted(t, dir, disk.options, "eventstore", "--listen", "127.0.0.1:0", "--data", dir)
			url := "esdb://" + regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(store.said) + "?tls=false"
			s := insideOn(t, url)
			w := &writer{channel: s.channel(t, "GROUP"), ids: map[string]string{}}
			during(t, s.client, w, 200*time.Millisecond)
			disk.fill(t, inside)
			eventually(t, time.Minute, "writes are refused", func() bool {
				_, refused := during(t, s.client, w, 100*time.Millisecond)
				return refused > 0
			})
			status, found := readHealth(t, s.client)
			if status != http.StatusServiceUnavailable || !strings.Contains(found.Dependencies["eventstore"], "takes no writes") {
				t.Errorf("health: %d %v", status, found.Dependencies)
			}
			s.messages(t, w.channel) // reads go on
			if err := os.RemoveAll(inside + "/filler"); err != nil {
				t.Fatal(err)
			}
			eventually(t, time.Minute, "writes are taken again", func() bool {
				acked, _ := during(t, s.client, w, 100*time.Millisecond)
				return acked > 0
			})
			w.verify(t, s.client, "")
			select {
			case <-store.done:
				t.Error("the store has ended")
			default:
			}
		})
	}
}

// insideOn runs a server in this process on an event store.
func insideOn(t *testing.T, url string) *started {
	t.Helper()
	return inside(t, func(c *node.Config) { c.EventStoreURL = url })
}

// fillBytes leaves a few megabytes.
func fillBytes(t *testing.T, dir string) {
	t.Helper()
	var room syscall.Statfs_t
	err := os.Mkdir(dir+"/filler", 0o700)
	if err = errors.Join(err, syscall.Statfs(dir, &room)); err != nil {
		t.Fatal(err)
	}
	free := room.Bavail * uint64(room.Bsize) //nolint:gosec // small
	if err := os.WriteFile(dir+"/filler/bytes", make([]byte, free-8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fillInodes makes files until none can be made.
func fillInodes(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir+"/filler", 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if err := os.WriteFile(fmt.Sprintf("%s/filler/%d", dir, i), nil, 0o600); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("there are more inodes than files")
}

// A data folder that was mounted read-only, as after an error of its disk, is named at the start.
func TestADataFolderThatIsReadOnlyIsNamedAtTheStart(t *testing.T) {
	t.Parallel()
	canMount(t)
	dir := t.TempDir()
	for _, args := range [][]string{{"serve"}, {"eventstore", "--listen", "127.0.0.1:0", "--data", dir}} {
		cmd := exec.CommandContext(t.Context(), "unshare", append([]string{"--mount", "sh", "-c", mounting(dir, "ro"), os.Args[0]}, args...)...)
		cmd.Env = append(os.Environ(), asAnnals+"=1", "SERVER_PORT=0", "DATA_DIR="+dir)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "read-only file system") || !strings.Contains(string(out), dir) {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
}
