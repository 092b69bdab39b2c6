package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	owner    = "annals" // the one role, which owns everything
	database = "annals"

	watchEvery = 200 * time.Millisecond
)

var errLingering = errors.New("processes of the last server still hold its shared memory")

// postmaster is the server's first process, started or adopted by us.
type postmaster struct {
	pid  int
	dead chan struct{}
}

// launchOnce starts the server and waits until it answers. On failure nothing is left running.
func (c *Cluster) launchOnce(ctx context.Context) error {
	if err := c.clearDead(ctx); err != nil {
		return err
	}
	if err := c.place.makeSocketDir(c.place.sockets); err != nil { // it may have been cleaned away
		return err
	}
	log, err := os.OpenFile(c.place.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	before, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.server.program("postgres"), "-D", c.place.data)
	cmd.Dir = "/"
	cmd.Env = append(serverEnv(), c.opts.Environment...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = c.place.process()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	p := &postmaster{pid: cmd.Process.Pid, dead: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(p.dead)
	}()
	c.setRunning(p)
	if err := c.awaitAnswer(ctx, p); err != nil {
		return errors.Join(c.explain(err, before), p.shutdown(ctx))
	}
	return nil
}

func (c *Cluster) setRunning(p *postmaster) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = p
}

// serverEnv keeps our PG* variables, which would change what the server does, away from it.
func serverEnv() []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=" + locale(), "TZ=UTC"}
}

// awaitAnswer returns when the server takes connections or has died.
func (c *Cluster) awaitAnswer(ctx context.Context, p *postmaster) error {
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server (pid %d) does not answer: %w (%w)", p.pid, context.Cause(ctx), err)
		case <-p.dead:
			return fmt.Errorf("the server (pid %d) ended before it answered", p.pid)
		case <-tick.C:
		}
	}
}

// answers asks the server which data folder it serves, so that nobody else's is taken for ours.
func (c *Cluster) answers(ctx context.Context) error {
	return c.with(ctx, "postgres", func(ctx context.Context, conn *pgx.Conn) error {
		var data string
		if err := conn.QueryRow(ctx, "show data_directory").Scan(&data); err != nil {
			return err
		}
		if data != c.place.data {
			return fmt.Errorf("socket folder %s belongs to the cluster in %s", c.place.sockets, data)
		}
		return nil
	})
}

// with runs f on a connection of its own.
func (c *Cluster) with(ctx context.Context, name string, f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.urlOf(name))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return f(ctx, conn)
}

// explain adds what the server wrote to its log since it was started.
func (c *Cluster) explain(err error, since int64) error {
	f, openErr := os.Open(c.place.log)
	if openErr != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	text, _ := io.ReadAll(io.NewSectionReader(f, since, 4<<10))
	if strings.Contains(string(text), "shared memory block") {
		return fmt.Errorf("%w: %w", errLingering, err)
	}
	return fmt.Errorf("%w; it wrote: %s", err, strings.TrimSpace(string(text)))
}

// endLimit is how long each of the harsher ways of ending the server may take.
const endLimit = 2 * time.Second

// shutdown ends the server: politely until ctx is done, then at once.
func (p *postmaster) shutdown(ctx context.Context) error {
	if p.end(ctx, syscall.SIGINT) {
		return nil
	}
	for _, harsher := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
		ended := p.end(hard, harsher)
		cancel()
		if ended {
			return fmt.Errorf("the server (pid %d) did not stop in time and was ended at once: %w", p.pid, context.Cause(ctx))
		}
	}
	return fmt.Errorf("the server (pid %d) cannot be ended", p.pid)
}

// end signals the server and tells whether it is dead before ctx is done.
func (p *postmaster) end(ctx context.Context, signal syscall.Signal) bool {
	select {
	case <-p.dead: // the process id may be somebody else's by now
		return true
	default:
	}
	if err := syscall.Kill(p.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return false
	}
	select {
	case <-p.dead:
		return true
	case <-ctx.Done():
		return false
	}
}

// pidFile is what a running server says about itself in postmaster.pid.
type pidFile struct {
	pid     int
	sockets string
}

func readPidFile(data string) (pidFile, bool) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidFile{}, false
	}
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 1 {
		return pidFile{}, false
	}
	f := pidFile{pid: pid}
	if len(lines) > 4 {
		f.sockets = lines[4]
	}
	return f, true
}

// serves tells whether process pid lives and runs a server on the data folder. A process id may have been given to
// something else since, or may be a zombie that nobody collects.
func serves(ctx context.Context, pid int, data string) bool {
	if runtime.GOOS != "linux" {
		command, err := output(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(pid))
		return err == nil && strings.Contains(command, "postgres") && strings.Contains(command, data)
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || strings.TrimSpace(string(name)) != "postgres" {
		return false
	}
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)) // every process of the server works in its data folder
	if errors.Is(err, fs.ErrPermission) {
		// Root in a container may not look there; the first process, not its sessions, is told by its command line.
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return strings.Contains(string(command), "\x00-D\x00"+data+"\x00")
	}
	return err == nil && cwd == data
}
