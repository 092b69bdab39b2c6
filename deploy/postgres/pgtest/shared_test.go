package pgtest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres/pgtest"
)

// userVariable makes this test binary another package's, in the middle of its tests.
const userVariable = "ANNALS_PGTEST_USER"

// TestAnotherPackage is the body of such a process: it has a database until it is told to end, or killed.
func TestAnotherPackage(t *testing.T) {
	if os.Getenv(userVariable) == "" {
		t.Skip("runs in processes that other tests start")
	}
	url := pgtest.New(t)
	fmt.Println("url", url)
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// run is one run of go test, with a temporary folder of its own.
type run struct{ temp string }

type user struct {
	cmd *exec.Cmd
	url string
	end func() error
}

func (r run) join(t *testing.T) user {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestAnotherPackage$")
	cmd.Env = append(os.Environ(), userVariable+"=1", "TMPDIR="+r.temp)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	u := user{cmd: cmd, end: func() error { in.Close(); return cmd.Wait() }}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "url "); ok {
			u.url = url
			return u
		}
	}
	t.Fatal("the process ended without a database")
	return u
}

// keeper is the process that runs the shared cluster.
func (r run) keeper(t *testing.T) int {
	t.Helper()
	locks, err := filepath.Glob(filepath.Join(r.temp, "annals-pgtest-*", "postgres", "lock"))
	if err != nil || len(locks) != 1 {
		t.Fatalf("locks %v, error %v", locks, err)
	}
	text, err := os.ReadFile(locks[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func (r run) awaitNothingLeft(t *testing.T) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := os.ReadDir(r.temp)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("left behind: %v", left)
		case <-tick.C:
		}
	}
}

func server(t *testing.T, url string) string {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return config.Host
}

func TestProcessesShareOneClusterAndTheLastLeavesNothing(t *testing.T) {
	t.Parallel()
	r := run{temp: pgtest.Dir(t)}
	one, two := r.join(t), r.join(t)
	if server(t, one.url) != server(t, two.url) || one.url == two.url {
		t.Errorf("%s and %s", one.url, two.url)
	}
	if err := one.end(); err != nil {
		t.Error(err)
	}
	conn := connect(t, two.url)
	if err := conn.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := conn.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := two.end(); err != nil {
		t.Error(err)
	}
	r.awaitNothingLeft(t)
}

func TestKilledProcessesLeaveNothing(t *testing.T) {
	t.Parallel()
	r := run{temp: pgtest.Dir(t)}
	if err := r.join(t).cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.awaitNothingLeft(t)
}

func TestAKilledKeeperIsReplacedByTheNextProcess(t *testing.T) {
	t.Parallel()
	r := run{temp: pgtest.Dir(t)}
	one := r.join(t)
	if err := syscall.Kill(r.keeper(t), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	two := r.join(t)
	if server(t, one.url) != server(t, two.url) {
		t.Errorf("%s and %s", one.url, two.url)
	}
	for _, u := range []user{one, two} {
		if err := u.end(); err != nil {
			t.Error(err)
		}
	}
	r.awaitNothingLeft(t)
}
