package postgres_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"annals/deploy/postgres"
	"annals/deploy/postgres/pgtest"
)

func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can do this")
	}
	t.Parallel()
}

func TestBelowAFolderThatOnlyRootEntersTheClusterLivesElsewhere(t *testing.T) {
	asRoot(t)
	dir := filepath.Join(t.TempDir(), "postgres") // t.TempDir is closed to others
	start := func() *postgres.Cluster {
		c := pgtest.Start(t, dir)
		home, err := os.Readlink(dir)
		if err != nil || !strings.HasPrefix(home, "/var/lib/annals/") {
			t.Fatalf("link to %s: %v", home, err)
		}
		t.Cleanup(func() {
			stop(t, c)
			if err := os.RemoveAll(filepath.Dir(home)); err != nil {
				t.Error(err)
			}
		})
		return c
	}
	c := start()
	keepSeven(t, c.URL())
	stop(t, c)
	c = start()
	if got := query[int](t, c.URL(), "select n from kept"); got != 7 {
		t.Errorf("started again: %d", got)
	}
	stop(t, c)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	keepSeven(t, start().URL()) // a folder made anew has nothing in it
}

func TestAnOrdinaryUserRunsAClusterAndRootRunsItAsThatUser(t *testing.T) {
	asRoot(t)
	const nobody = 65534
	program := filepath.Join(pgtest.Dir(t), "program") // a copy: go test builds where others may not go
	// Another process writes it: a file that this one has open for writing is busy until every child that began meanwhile has started.
	if out, err := exec.CommandContext(t.Context(), "cp", os.Args[0], program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	dir := filepath.Join(pgtest.Dir(t), "theirs", "postgres")
	if err := os.Mkdir(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Dir(dir), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	nobodys := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	owner, url, _ := child(t, program, dir, nobodys)
	keepSeven(t, url)
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	c := pgtest.Start(t, dir)
	if got := query[int](t, c.URL(), "select n from kept"); got != 7 {
		t.Errorf("adopted by root: %d", got)
	}
	stop(t, c)
	if got := query[int](t, pgtest.Start(t, dir).URL(), "select n from kept"); got != 7 {
		t.Errorf("started by root: %d", got)
	}
}

func TestASocketFolderThatSomebodyElsePreparedIsRefused(t *testing.T) {
	asRoot(t)
	dir := pgtest.Dir(t)
	sockets := filepath.Join(dir, "sockets")
	if err := os.Mkdir(sockets, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.Start(t.Context(), postgres.Options{Dir: filepath.Join(dir, "postgres"), SocketDir: sockets})
	if err == nil || !strings.Contains(err.Error(), sockets) {
		t.Fatalf("start: %v", err)
	}
}
