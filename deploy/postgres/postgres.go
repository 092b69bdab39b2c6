// Package postgres runs a private PostgreSQL with pgvector for whoever has none: below one folder, on a unix socket,
// without a TCP port, installing what the machine lacks and saying so. It runs on Debian, Ubuntu and macOS, as root too.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"annals/deploy/host"
)

// startLimit bounds a start that installs nothing; crash recovery after a power cut is its longest part.
const startLimit = 10 * time.Minute

// ErrInUse says that another process (or this one) already runs a cluster in the folder.
var ErrInUse = errors.New("cluster is in use")

// Options tell where a cluster lives. Only Dir is required.
type Options struct {
	Dir       string                           // usually DATA_DIR/postgres
	SocketDir string                           // empty: $XDG_RUNTIME_DIR or the temporary folder, named by a hash of Dir
	Ephemeral bool                             // for tests: nothing is synced to the disk, so a power cut loses the cluster
	Say       func(format string, args ...any) // told what is installed, created or moved aside; for people
	Logger    *slog.Logger
	// Environment is added to that of the server, as NAME=value.
	Environment []string
}

// Cluster is a running PostgreSQL server that is restarted when it dies, until Stop.
type Cluster struct {
	dir    string
	place  place
	server server
	opts   Options
	lock   *os.File

	cancel context.CancelFunc // ends the supervisor
	idle   chan struct{}      // closed when the supervisor has returned
	stop   sync.Once

	mu      sync.Mutex
	running *postmaster
}

// Start makes sure that a private cluster runs under o.Dir and answers, installing what is missing and saying so through o.Say.
// A server left over from a process that was killed is adopted. The cluster outlives ctx; only Stop ends it.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c, err := prepare(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("postgres in %s: %w", o.Dir, err)
	}
	starting, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := c.open(starting); err != nil {
		if c.running != nil {
			err = errors.Join(err, c.running.shutdown(starting))
		}
		_ = os.Remove(c.place.sockets)
		_ = c.lock.Close()
		return nil, fmt.Errorf("postgres in %s: %w", o.Dir, err)
	}
	ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go c.supervise(ctx)
	return c, nil
}

// prepare finds or installs the server, and takes possession of the folder.
func prepare(ctx context.Context, o Options) (*Cluster, error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o711); err != nil {
		return nil, err
	}
	srv, err := ensureServer(ctx, majorOf(filepath.Join(dir, "data")), o.Say)
	if err != nil {
		return nil, err
	}
	p, err := settle(dir, o.SocketDir)
	if err != nil {
		return nil, err
	}
	lock, err := claim(p.home)
	if err != nil {
		return nil, err
	}
	return &Cluster{dir: dir, place: p, server: srv, opts: o, lock: lock, idle: make(chan struct{})}, nil
}

// claim takes the folder for this process and leaves its pid for whoever comes second.
func claim(home string) (*os.File, error) {
	path := filepath.Join(home, "lock")
	f, err := host.TryLock(path, host.Exclusive, 0o600) // a process that can open the file can hold the lock
	if errors.Is(err, host.ErrLocked) {
		holder, _ := os.ReadFile(path)
		return nil, fmt.Errorf("%w by process %s: stop it, or use another folder", ErrInUse, strings.TrimSpace(string(holder)))
	}
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Chmod(0o600), f.Truncate(0), write(f, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("note the owner of %s: %w", home, err)
	}
	return f, nil
}

func write(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// open brings the server up, by adopting, starting or creating it, and makes sure that the database is there.
func (c *Cluster) open(ctx context.Context) error {
	adopted, err := c.adopt(ctx)
	if err != nil {
		return err
	}
	if !adopted {
		if err := c.makeReady(ctx); err != nil {
			return err
		}
		if err := c.launch(ctx); err != nil {
			return err
		}
	}
	return c.ensureDatabase(ctx)
}

// URL is the connection string for pgx: the database annals, as its owner, over the unix socket.
func (c *Cluster) URL() string { return c.urlOf(database) }

func (c *Cluster) urlOf(name string) string {
	q := url.Values{"host": {c.place.sockets}, "port": {port}, "user": {owner}, "sslmode": {"disable"}}
	return "postgres:///" + name + "?" + q.Encode()
}

// Dir is the folder that Start was given. Started there again after Stop, the cluster has the same URL and data.
func (c *Cluster) Dir() string { return c.dir }

// PID is the process id of the running server, of the last one while it is being restarted.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running.pid
}

// Stop ends the server: sessions are cut off, everything committed is on disk. When ctx is done first, the server is
// ended at once, which costs the next start a recovery, and an error is returned. Only the first call does anything.
func (c *Cluster) Stop(ctx context.Context) error {
	var err error
	c.stop.Do(func() {
		c.cancel()
		<-c.idle
		err = errors.Join(c.running.shutdown(ctx), c.place.clearSockets())
		_ = os.Remove(c.place.sockets) // fails when it is shared with others, as is right
		err = errors.Join(err, c.lock.Close())
		c.opts.Logger.Info("postgres stopped", "pid", c.running.pid)
	})
	return err
}
