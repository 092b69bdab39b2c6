package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"annals/deploy/host"
)

// installLimit bounds an installation; a slow mirror is its longest part.
const installLimit = 15 * time.Minute

// installLock keeps processes from installing at the same time, whatever their DATA_DIR and TMPDIR.
const installLock = "/tmp/annals-install.lock"

// ensureServer finds a server with pgvector, preferably of the given major version (0 for any), or installs one.
func ensureServer(ctx context.Context, major int, say func(string, ...any)) (server, error) {
	if s, ok := choose(servers(ctx), major); ok {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	lock, err := host.TryLock(installLock, host.Exclusive, 0o644)
	if errors.Is(err, host.ErrLocked) {
		say("waiting for another process that is installing PostgreSQL with pgvector")
		lock, err = host.WaitLock(ctx, installLock, host.Exclusive, 0o644)
	}
	if err != nil {
		return server{}, err
	}
	defer func() {
		_ = os.Remove(installLock) // before it is let go, so that whoever waits makes a new one
		_ = lock.Close()
	}()
	if s, ok := choose(servers(ctx), major); ok { // somebody else has installed it meanwhile
		return s, nil
	}
	how, err := installer()
	if err != nil {
		return server{}, err
	}
	if err := how(ctx, machine{say: say, sudo: sudo(ctx)}, servers(ctx)); err != nil {
		return server{}, fmt.Errorf("install PostgreSQL with pgvector: %w", err)
	}
	if s, ok := choose(servers(ctx), major); ok {
		return s, nil
	}
	return server{}, errors.New("PostgreSQL with pgvector was installed, yet is in none of the folders looked in")
}

// installer picks the way of this machine.
func installer() (func(context.Context, machine, []server) error, error) {
	if has("apt-get") && has("dpkg-deb") {
		return installDebian, nil
	}
	if has("brew") {
		return installBrew, nil
	}
	return nil, errors.New("PostgreSQL with pgvector is missing and this machine has neither apt nor brew: install both by hand, or set POSTGRES_URL to a server that has them")
}

func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// privilege is what to put before a command that only root may run; without ok there is no way to become root unasked.
type privilege struct {
	ok     bool
	prefix []string
}

func sudo(ctx context.Context) privilege {
	if os.Geteuid() == 0 {
		return privilege{ok: true}
	}
	if _, err := output(ctx, "sudo", "-n", "true"); err == nil {
		return privilege{ok: true, prefix: []string{"sudo", "-n"}}
	}
	return privilege{}
}

// machine is what an installation acts on.
type machine struct {
	say  func(format string, args ...any)
	sudo privilege
}

// asRoot runs a command that changes the machine; where it may not, the error says what to run.
func (m machine) asRoot(ctx context.Context, args ...string) error {
	if !m.sudo.ok {
		return fmt.Errorf("not root and no sudo without a password; run this, then start again: sudo %s", strings.Join(args, " "))
	}
	return run(ctx, "", slices.Concat(m.sudo.prefix, args)...)
}

// run waits for a command, which is asked nothing and shows nothing unless it fails.
func run(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "NONINTERACTIVE=1", "LC_ALL=C")
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, lastLines(string(out), 8))
	}
	return nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// privateCopies is where an ordinary user's copies of the server lie, each with the pgvector that could not be installed into the machine's own.
func privateCopies() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "annals")
}
