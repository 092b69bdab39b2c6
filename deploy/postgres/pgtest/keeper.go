package pgtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"annals/deploy/host"
	"annals/deploy/postgres"
)

const (
	keeperVariable = "ANNALS_PGTEST_KEEPER"
	// grace is how long the shared cluster outlives its last user: go test starts its binaries one after another.
	grace = 2 * time.Second
	// joinLimit allows for the installation of PostgreSQL.
	joinLimit = 10 * time.Minute
)

// A test binary cannot tell when the last of its tests has ended, nor when it is killed. So the shared cluster is run by
// a process of its own, the keeper: the test binary once more, in another role.
func init() {
	dir := os.Getenv(keeperVariable)
	if dir == "" {
		return
	}
	if err := errors.Join(os.Unsetenv(keeperVariable), keep(folder(dir))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// folder holds the shared cluster of one checkout and user.
type folder string

func (f folder) gate() string     { return filepath.Join(string(f), "gate") }  // held while joining or leaving
func (f folder) users() string    { return filepath.Join(string(f), "users") } // shared by all users, for their life
func (f folder) url() string      { return filepath.Join(string(f), "url") }   // there while the cluster runs
func (f folder) log() string      { return filepath.Join(string(f), "log") }
func (f folder) postgres() string { return filepath.Join(string(f), "postgres") }

// join makes this process a user of the shared cluster until it ends, starting the cluster if need be.
var join = sync.OnceValues(func() (membership, error) {
	f, err := sharedFolder()
	if err != nil {
		return membership{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), joinLimit)
	defer cancel()
	gate, err := f.enter(ctx)
	if err != nil {
		return membership{}, err
	}
	defer func() { _ = gate.Close() }()
	users, err := host.WaitLock(ctx, f.users(), host.Shared, 0o600)
	if err != nil {
		return membership{}, err
	}
	url, ok := f.running(ctx)
	if !ok || !f.kept() {
		url, err = f.startKeeper(ctx)
	}
	return membership{url: url, users: users}, err
})

// membership is the use of the cluster at the URL. The end of the process gives the lock back.
type membership struct {
	url   string
	users *os.File
}

// kept tells whether a keeper holds the cluster; one that was killed leaves a server that answers, and nobody to stop it.
func (f folder) kept() bool {
	locked, _ := host.IsLocked(filepath.Join(f.postgres(), "lock"))
	return locked
}

// enter makes the folder and takes its gate; a keeper that leaves meanwhile takes the folder away.
func (f folder) enter(ctx context.Context) (*os.File, error) {
	for {
		if err := f.make(); err != nil {
			return nil, err
		}
		gate, err := host.WaitLock(ctx, f.gate(), host.Exclusive, 0o600)
		if !errors.Is(err, os.ErrNotExist) {
			return gate, err
		}
	}
}

func (f folder) make() error {
	err := os.Mkdir(string(f), 0o711)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(string(f))
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to somebody else: remove it", f)
	}
	return nil
}

func sharedFolder() (folder, error) {
	dir, err := os.Getwd() // of a test: its package
	if err != nil {
		return "", err
	}
	for !exists(filepath.Join(dir, "go.mod")) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	sum := sha256.Sum256([]byte(dir))
	return folder(filepath.Join(os.TempDir(), fmt.Sprintf("annals-pgtest-%d-%x", os.Geteuid(), sum[:4]))), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// running gives the URL of a cluster that answers.
func (f folder) running(ctx context.Context) (string, bool) {
	url, err := os.ReadFile(f.url())
	if err != nil {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	config, err := pgx.ParseConfig(string(url))
	if err != nil {
		return "", false
	}
	config.Database = "postgres" // a connection to the template would keep others from copying it
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return "", false
	}
	return string(url), conn.Close(ctx) == nil
}

// startKeeper returns when the keeper's cluster answers.
func (f folder) startKeeper(ctx context.Context) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if err := os.Remove(f.url()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	log, err := os.Create(f.log())
	if err != nil {
		return "", err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self)
	cmd.Dir = string(f)
	cmd.Env = append(os.Environ(), keeperVariable+"="+string(f))
	cmd.Stdout, cmd.Stderr = log, log // never the test's own, which go test waits for
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	defer func() { _ = cmd.Process.Release() }() // it outlives us
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if url, ok := f.running(ctx); ok {
			return url, nil
		}
		var status syscall.WaitStatus
		if pid, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WNOHANG, nil); err == nil && pid == cmd.Process.Pid {
			text, _ := os.ReadFile(f.log())
			return "", fmt.Errorf("keeper ended (status %d): %s", status.ExitStatus(), text)
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("keeper (pid %d, log %s): %w", cmd.Process.Pid, f.log(), ctx.Err())
		case <-tick.C:
		}
	}
}

// keep runs the cluster until nobody uses it, and leaves nothing behind.
func keep(f folder) error {
	ctx := context.Background()
	c, err := postgres.Start(ctx, postgres.Options{
		Dir: f.postgres(), Ephemeral: true,
		Say:    func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	if err := f.publish(c.URL()); err != nil {
		return errors.Join(err, c.Stop(ctx))
	}
	gate, err := f.awaitUnused(ctx)
	if err != nil {
		return errors.Join(err, c.Stop(ctx))
	}
	defer func() { _ = gate.Close() }()
	stopping, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return errors.Join(c.Stop(stopping), os.RemoveAll(string(f)))
}

func (f folder) publish(url string) error {
	unfinished := f.url() + ".new"
	if err := os.WriteFile(unfinished, []byte(url), 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, f.url())
}

// awaitUnused returns, holding the gate, when there has been no user for a while.
func (f folder) awaitUnused(ctx context.Context) (*os.File, error) {
	for {
		users, err := host.WaitLock(ctx, f.users(), host.Exclusive, 0o600)
		if err != nil {
			return nil, err
		}
		_ = users.Close()
		time.Sleep(grace)
		gate, err := host.WaitLock(ctx, f.gate(), host.Exclusive, 0o600)
		if err != nil {
			return nil, err
		}
		users, err = host.TryLock(f.users(), host.Exclusive, 0o600)
		if err == nil {
			_ = users.Close() // nobody can join before the gate is open, and then finds the folder gone
			return gate, nil
		}
		_ = gate.Close()
		if !errors.Is(err, host.ErrLocked) {
			return nil, err
		}
	}
}
