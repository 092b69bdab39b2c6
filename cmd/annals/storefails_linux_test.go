package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

// breakDisk lets no write of a process to a file succeed any more.
func (p *process) breakDisk(t *testing.T) {
	t.Helper()
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1, Max: 1}, nil); err != nil {
		t.Fatal(err)
	}
}

// limitMemory lets a process have little more memory than it has.
func (p *process) limitMemory(t *testing.T) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var kilobytes uint64
	_, size, _ := strings.Cut(string(status), "VmSize:")
	if _, err := fmt.Sscan(size, &kilobytes); err != nil {
		t.Fatal(err)
	}
	limit := kilobytes<<10 + 16<<20
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
		t.Fatal(err)
	}
}

// A server that gets no more memory ends, as one does that the kernel kills for its cgroup's limit.
func TestAServerWithoutMemoryEndsAndStartsAgainWithEverything(t *testing.T) {
	t.Parallel() // it waits most of the time
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t), "LOG_LEVEL=error", "GOTRACEBACK=none"}
	p := spawn(t, settings...)
	channel := p.channel(t, "GROUP")
	var mu sync.Mutex
	acked := map[string]bool{}
	for i := range 10 {
		begin := fmt.Sprintf("before %d ", i)
		if _, a, err := p.post(t.Context(), channel, begin); err != nil || a.status != http.StatusCreated {
			t.Fatal(err, a.status)
		}
		acked[begin] = true
	}
	p.limitMemory(t)
	var writers sync.WaitGroup
	for i := range 32 {
		writers.Go(func() {
			for n := 0; ; n++ {
				begin := fmt.Sprintf("%d of %d ", n, i)
				_, a, err := p.post(t.Context(), channel, begin+strings.Repeat("x", 500<<10))
				if err != nil {
					return
				}
				if a.status == http.StatusCreated {
					mu.Lock()
					acked[begin] = true
					mu.Unlock()
				}
			}
		})
	}
	status := p.exited(t)
	writers.Wait()
	if status != 2 {
		t.Errorf("exit status %d", status)
	}
	p = spawn(t, settings...)
	for _, m := range p.messages(t, channel) {
		begin, _, _ := strings.Cut(m.Content, "x")
		delete(acked, begin)
	}
	if len(acked) > 0 {
		t.Errorf("%d acknowledged messages are lost", len(acked))
	}
}

// exited waits until the process has ended by itself, and returns its exit status.
func (p *process) exited(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
	return p.cmd.ProcessState.ExitCode()
}

func TestAServerWhoseEmbeddedStoreCannotWriteAnyMoreEndsAndStartsAgainWithEverything(t *testing.T) {
	t.Parallel() // it waits most of the time
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	channel := p.channel(t, "GROUP")
	if _, a, err := p.post(t.Context(), channel, "kept"); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%v %d", err, a.status)
	}
	p.breakDisk(t)
	if _, a, err := p.post(t.Context(), channel, "not kept"); err == nil && a.status < http.StatusInternalServerError {
		t.Errorf("a write that failed: %d %s", a.status, a.body)
	}
	if status := p.exited(t); status != 1 {
		t.Errorf("exit status %d", status)
	}
	p = spawn(t, settings...)
	if found := p.messages(t, channel); len(found) != 1 {
		t.Errorf("after the restart: %v", found)
	}
}

func TestAnEventStoreAloneThatCannotWriteAnyMoreEnds(t *testing.T) {
	t.Parallel()
	p, url := spawnStore(t, t.TempDir())
	release(t, url)
	p.breakDisk(t)
	if err := tryRelease(t, url); err == nil {
		t.Error("the write was acknowledged")
	}
	if status := p.exited(t); status != 1 {
		t.Errorf("exit status %d", status)
	}
}

func TestASocketThatWasRemovedIsServedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + dir, "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	if err := os.Remove(node.SocketPath(dir)); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the socket is there again", func() bool {
		_, err := os.Stat(node.SocketPath(dir))
		return err == nil
	})
	if out, err := annalsSays(t.Context(), settings, "history", "--limit", "1"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	p.channel(t, "GROUP")
	if status := p.stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
}
