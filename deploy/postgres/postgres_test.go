package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres"
	"annals/deploy/postgres/pgtest"
)

// childVariable names a folder: this test binary then is a server program that starts a cluster there and waits to be killed.
const childVariable = "ANNALS_POSTGRES_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		c, err := postgres.Start(context.Background(), postgres.Options{Dir: dir, Ephemeral: true})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(c.URL(), c.PID())
		_, _ = os.Stdin.Read(make([]byte, 1)) // until killed, or the parent is gone
		_ = c.Stop(context.Background())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child starts a process that runs a cluster in dir, and gives the cluster's URL and the server's process id.
func child(t *testing.T, program, dir string, as *syscall.SysProcAttr) (cmd *exec.Cmd, url string, pid int) {
	t.Helper()
	cmd = exec.Command(program)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), childVariable+"="+dir, "XDG_RUNTIME_DIR=", "XDG_CACHE_HOME="+filepath.Dir(dir))
	cmd.SysProcAttr = as
	_, err := cmd.StdinPipe()
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
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	if _, err := fmt.Sscan(line, &url, &pid); err != nil {
		t.Fatalf("child says %q: %v", line, err)
	}
	return cmd, url, pid
}

func query[T any](t *testing.T, url, statement string) T {
	t.Helper()
	answer, err := try[T](t.Context(), url, statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return answer
}

func try[T any](ctx context.Context, url, statement string) (answer T, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return answer, err
	}
	defer conn.Close(ctx)
	return answer, conn.QueryRow(ctx, statement).Scan(&answer)
}

// keepSeven stores what query "select n from kept" finds.
func keepSeven(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "create table kept as select 7 as n"); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition, up to a limit that a healthy run is far from.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		case <-tick.C:
		}
	}
}

func stop(t *testing.T, c *postgres.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := c.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func socketFolder(t *testing.T, url string) string {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return config.Host
}

func TestANewClusterHasVectorsUnicodeAndNoPort(t *testing.T) {
	t.Parallel()
	c := pgtest.Own(t)
	for statement, want := range map[string]string{
		"select '[1,2]'::vector::text":    "[1,2]",
		"show listen_addresses":           "",
		"show server_encoding":            "UTF8",
		"show jit":                        "off",
		"select current_database()::text": "annals",
		"select datcollate from pg_database where datname = 'annals'": "C.UTF-8",
	} {
		if got := query[string](t, c.URL(), statement); got != want {
			t.Errorf("%s: %q, want %q", statement, got, want)
		}
	}
	info, err := os.Stat(socketFolder(t, c.URL()))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("socket folder: %v, %v", info.Mode(), err)
	}
}

func TestASecondStartIsToldWhoHoldsTheCluster(t *testing.T) {
	t.Parallel()
	c := pgtest.Own(t)
	_, err := postgres.Start(t.Context(), postgres.Options{Dir: c.Dir()})
	if !errors.Is(err, postgres.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Fatalf("second start: %v", err)
	}
	query[int](t, c.URL(), "select 1")

	// Another account that can open the lock can hold it, and so keep the server from starting.
	info, err := os.Stat(filepath.Join(c.Dir(), "lock"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the lock: %v, %v", info, err)
	}
}

func TestStopLeavesNeitherProcessNorSocketAndStartFindsTheDataAgain(t *testing.T) {
	t.Parallel()
	c := pgtest.Own(t)
	url, pid, sockets := c.URL(), c.PID(), socketFolder(t, c.URL())
	keepSeven(t, url)
	stop(t, c)
	if alive(pid) {
		t.Errorf("process %d lives", pid)
	}
	if _, err := os.Stat(sockets); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("socket folder: %v", err)
	}
	again := pgtest.Start(t, c.Dir())
	if again.URL() != url || query[int](t, again.URL(), "select n from kept") != 7 {
		t.Errorf("started again: %s, was %s", again.URL(), url)
	}
}

func TestStopEndsTheServerEvenWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	c := pgtest.Own(t)
	pid := c.PID()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Stop(ctx); !errors.Is(err, context.Canceled) || alive(pid) {
		t.Fatalf("stop: %v, alive: %v", err, alive(pid))
	}
	query[int](t, pgtest.Start(t, c.Dir()).URL(), "select 1")
}

func TestTheServerOutlivesAKilledProcessGroupAndIsAdopted(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(pgtest.Dir(t), "postgres")
	owner, url, pid := child(t, os.Args[0], dir, &syscall.SysProcAttr{Setpgid: true})
	keepSeven(t, url)
	if err := syscall.Kill(-owner.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	c := pgtest.Start(t, dir)
	if c.PID() != pid || query[int](t, c.URL(), "select n from kept") != 7 {
		t.Fatalf("server %d, was %d", c.PID(), pid)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an adopted server that is killed comes back", func() bool {
		n, err := try[int](t.Context(), c.URL(), "select n from kept")
		return err == nil && n == 7 && c.PID() != pid
	})
}

func TestAKilledServerComesBackWhileASessionOfItStillRuns(t *testing.T) {
	t.Parallel()
	c := pgtest.Own(t)
	keepSeven(t, c.URL())
	busy, err := pgx.Connect(t.Context(), c.URL())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = busy.Exec(context.Background(), "do $$ begin loop end loop; end $$") // until the session is ended
		busy.Close(context.Background())
	}()
	eventually(t, "the session is busy", func() bool {
		n, err := try[int](t.Context(), c.URL(), "select count(*)::int from pg_stat_activity where query like 'do %' and state = 'active'")
		return err == nil && n == 1
	})
	for range 2 {
		pid := c.PID()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the server answers again", func() bool {
			n, err := try[int](t.Context(), c.URL(), "select n from kept")
			return err == nil && n == 7 && c.PID() != pid
		})
	}
	<-ended
}

func TestASocketFolderThatWasCleanedAwayIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(pgtest.Dir(t), "postgres")
	owner, url, pid := child(t, os.Args[0], dir, nil)
	keepSeven(t, url)
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	if err := os.RemoveAll(socketFolder(t, url)); err != nil {
		t.Fatal(err)
	}
	c := pgtest.Start(t, dir) // the server that was left cannot be reached, so it is not adopted
	if c.PID() == pid || query[int](t, c.URL(), "select n from kept") != 7 {
		t.Fatalf("server %d, was %d", c.PID(), pid)
	}
}

func TestLockFilesWithTheProcessIDOfSomethingElseDoNotKeepItFromStarting(t *testing.T) {
	t.Parallel()
	c := pgtest.Own(t)
	stale, err := os.ReadFile(filepath.Join(c.Dir(), "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	stop(t, c)
	_, rest, _ := strings.Cut(string(stale), "\n")
	stale = fmt.Appendf(nil, "%d\n%s", os.Getpid(), rest)
	if err := os.WriteFile(filepath.Join(c.Dir(), "data", "postmaster.pid"), stale, 0o644); err != nil {
		t.Fatal(err)
	}
	query[int](t, pgtest.Start(t, c.Dir()).URL(), "select 1")
}

func TestDataOfAnotherMajorVersionIsMovedAside(t *testing.T) {
	t.Parallel()
	c := pgtest.Own(t)
	stop(t, c)
	if err := os.WriteFile(filepath.Join(c.Dir(), "data", "PG_VERSION"), []byte("9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if problems := postgres.Check(t.Context(), c.Dir()); len(problems) != 1 || !strings.Contains(problems[0].What, "PostgreSQL 9") {
		t.Errorf("check: %+v", problems)
	}
	query[int](t, pgtest.Start(t, c.Dir()).URL(), "select 1")
	aside, err := filepath.Glob(filepath.Join(filepath.Dir(c.Dir()), "postgres-9-*", "PG_VERSION"))
	if err != nil || len(aside) != 1 {
		t.Fatalf("moved aside: %v, %v", aside, err)
	}
}

func TestAPathLongerThanASocketsIsFine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(pgtest.Dir(t), strings.Repeat("long/", 40), "it's a \"dir\"", "postgres")
	query[int](t, pgtest.Start(t, dir).URL(), "select 1")
}
