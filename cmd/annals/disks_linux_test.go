package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

// onDisk starts a command of annals that sees the file system in an image at a folder, in a mount namespace of its own. The file
// system turns read-only when it meets an error.
func onDisk(t *testing.T, image, dir string, args ...string) *process {
	t.Helper()
	mount := "mount -o loop,errors=remount-ro '" + image + "' '" + dir + "' && exec \"$0\" \"$@\""
	return command(t, "unshare", dir, nil, append([]string{"--mount", "sh", "-c", mount, os.Args[0]}, args...)...)
}

// makeDisk makes a file system in an image, unless none can be mounted at a folder here.
func makeDisk(t *testing.T, image, dir string) {
	t.Helper()
	made := "truncate --size 300M '" + image + "' && mkfs.ext4 -q -F '" + image + "' && unshare --mount mount -o loop '" + image + "' '" + dir + "'"
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", made).CombinedOutput(); err != nil {
		t.Skipf("a file system in a file cannot be mounted here: %v: %s", err, out)
	}
}

// failDisk has the kernel meet an error in the file system that a process sees at a folder.
func (p *process) failDisk(t *testing.T, dir string) {
	t.Helper()
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mounts", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	device := regexp.MustCompile(`/dev/(loop\d+) ` + regexp.QuoteMeta(dir) + ` `).FindSubmatch(mounts)
	if device == nil {
		t.Fatalf("nothing is mounted at %s: %s", dir, mounts)
	}
	if err := os.WriteFile("/sys/fs/ext4/"+string(device[1])+"/trigger_fs_error", []byte("a test\n"), 0o200); err != nil {
		t.Skipf("no error can be made here: %v", err)
	}
}

// A disk that turns read-only under the event store, as after an error, ends it; on a disk that can be written it goes on with
// everything that was acknowledged.
func TestOutageOfADiskThatTurnsReadOnlyLosesNothing(t *testing.T) {
	t.Parallel() // it waits most of the time
	canMount(t)
	dir, image := t.TempDir(), filepath.Join(t.TempDir(), "image")
	makeDisk(t, image, dir)
	store := onDisk(t, image, dir, "eventstore", "--listen", "127.0.0.1:0", "--data", dir+"/log")
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(store.said)
	s := insideOn(t, "esdb://"+address+"?tls=false")
	w := &writer{channel: s.channel(t, "GROUP"), ids: map[string]string{}}
	during(t, s.client, w, 200*time.Millisecond)
	store.failDisk(t, dir)
	if _, refused := during(t, s.client, w, 500*time.Millisecond); refused == 0 {
		t.Error("writes are acknowledged")
	}
	if status := store.exited(t); status != 1 {
		t.Errorf("exit status %d", status)
	}
	s.messages(t, w.channel) // reads go on
	onDisk(t, image, dir, "eventstore", "--listen", address, "--data", dir+"/log")
	eventually(t, time.Minute, "writes are taken again", func() bool {
		acked, _ := during(t, s.client, w, 100*time.Millisecond)
		return acked > 0
	})
	w.verify(t, s.client, "")
}

// A disk that turns read-only under the private PostgreSQL holds up the read models alone. The server goes on with everything once it is
// started on a disk that can be written.
func TestOutageOfADiskThatTurnsReadOnlyUnderPostgresStopsNoWrite(t *testing.T) {
	t.Parallel() // it waits most of the time
	if away() < node.Tolerated {
		t.Skip("set ANNALS_OUTAGE_SECONDS=10")
	}
	canMount(t)
	dir, image := pgtest.Dir(t), filepath.Join(t.TempDir(), "image")
	cluster := filepath.Join(dir, "postgres")
	if err := os.Mkdir(cluster, 0o755); err != nil { //nolint:gosec // PostgreSQL runs as another user
		t.Fatal(err)
	}
	makeDisk(t, image, cluster)
	start := func() *process {
		mount := "mount -o loop,errors=remount-ro '" + image + "' '" + cluster + "' && exec \"$0\" \"$@\""
		p := command(t, "unshare", dir, []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "LOG_LEVEL=error"}, "--mount", "sh", "-c", mount, os.Args[0], "serve")
		p.client = newClient(regexp.MustCompile(`http://[^/]+`).FindString(p.said))
		return p
	}
	p := start()
	agent := p.runningAgent(t, "Patient")
	w := &writer{channel: p.channel(t, "DM", agent), ids: map[string]string{}}
	during(t, p.client, w, 200*time.Millisecond)
	w.settled(t, p.client, agent)
	p.failDisk(t, cluster)
	eventually(t, 2*time.Minute, "health is red", func() bool {
		if acked, refused := during(t, p.client, w, 100*time.Millisecond); acked == 0 || refused > 0 {
			t.Fatalf("%d writes were taken and %d refused", acked, refused)
		}
		status, _ := readHealth(t, p.client)
		return status == http.StatusServiceUnavailable
	})
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	again := start()
	eventually(t, 2*time.Minute, "health is well again", func() bool { status, _ := readHealth(t, again.client); return status == http.StatusOK })
	w.verify(t, again.client, agent)
}

// A disk that fills up under the private PostgreSQL holds up the read models alone.
func TestOutageOfAFullDiskUnderPostgresStopsNoWriteAndEndsWhenThereIsRoom(t *testing.T) {
	t.Parallel() // it waits most of the time
	if away() < node.Tolerated {
		t.Skip("set ANNALS_OUTAGE_SECONDS=10")
	}
	canMount(t)
	_, url := spawnStore(t, t.TempDir())
	dir := pgtest.Dir(t)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "EVENTSTORE_URL=" + url, "LOG_LEVEL=error"}
	p := command(t, "unshare", dir, settings, "--mount", "sh", "-c", mounting(dir, "size=250m,mode=755"), os.Args[0], "serve")
	p.client = newClient(regexp.MustCompile(`http://[^/]+`).FindString(p.said))
	w, other := &writer{channel: p.channel(t, "GROUP"), ids: map[string]string{}}, p.channel(t, "GROUP")
	during(t, p.client, w, 200*time.Millisecond)
	filler := fmt.Sprintf("/proc/%d/root%s/filler", p.cmd.Process.Pid, dir)
	fillUp(t, filler)
	big := strings.Repeat("y", 200<<10)
	eventually(t, 2*time.Minute, "health is red", func() bool {
		_, a, err := p.post(t.Context(), other, big)
		if err != nil || a.status != http.StatusCreated && a.status != http.StatusServiceUnavailable {
			t.Fatalf("%v %d %s", err, a.status, a.body)
		}
		fillUp(t, filler)
		_, found := readHealth(t, p.client)
		return found.Dependencies["projections"] != "healthy" || found.Dependencies["postgres"] != "healthy"
	})
	if acked, refused := during(t, p.client, w, time.Second); acked == 0 || refused > 0 {
		t.Errorf("%d writes were taken and %d refused", acked, refused)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, found := readHealth(t, p.client); t.Failed() {
			t.Logf("health: %+v", found)
		}
	}()
	eventually(t, 2*time.Minute, "health is well again", func() bool { status, _ := readHealth(t, p.client); return status == http.StatusOK })
	w.verify(t, p.client, "")
}

// fillUp writes to a file until no byte is left.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err = f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
