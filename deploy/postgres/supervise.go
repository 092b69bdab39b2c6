package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// adoptLimit is how long a server that was left running may take to answer, and then to stop, before it is ended.
	adoptLimit = 10 * time.Second
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	logLimit   = 8 << 20 // bytes; one older file of that size is kept
)

// adopt takes over a server that a killed process of ours left running. One that lives and cannot be reached (its
// socket was cleaned away) is ended instead.
func (c *Cluster) adopt(ctx context.Context) (bool, error) {
	left, ok := readPidFile(c.place.data)
	if !ok || !serves(ctx, left.pid, c.place.data) {
		return false, nil
	}
	p := &postmaster{pid: left.pid, dead: make(chan struct{})}
	go p.watch(context.WithoutCancel(ctx), c.place.data)
	c.setRunning(p)
	if majorOf(c.place.data) == c.server.major && c.reconnect(ctx, left, p) {
		c.opts.Logger.Info("postgres adopted", "pid", p.pid)
		return true, nil
	}
	end, cancel := context.WithTimeout(ctx, adoptLimit)
	defer cancel()
	if err := p.shutdown(end); err != nil {
		c.opts.Logger.Warn("postgres left running was ended", "error", err)
	}
	return false, ctx.Err()
}

// reconnect moves to the socket of a server that was left running, if that answers.
func (c *Cluster) reconnect(ctx context.Context, left pidFile, p *postmaster) bool {
	ours := c.place.sockets
	if left.sockets != "" {
		if !exists(filepath.Join(left.sockets, socketName)) {
			return false
		}
		c.place.sockets = left.sockets
	}
	ctx, cancel := context.WithTimeout(ctx, adoptLimit)
	defer cancel()
	if err := c.awaitAnswer(ctx, p); err != nil {
		c.place.sockets = ours
		return false
	}
	if c.place.sockets != ours {
		_ = os.Remove(ours) // made for a server that is not to be
	}
	return true
}

// watch closes dead when a server that is not our child has gone.
func (p *postmaster) watch(ctx context.Context, data string) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for serves(ctx, p.pid, data) {
		<-tick.C
	}
	close(p.dead)
}

// supervise restarts the server whenever it dies, until ctx ends, which Stop sees to.
func (c *Cluster) supervise(ctx context.Context) {
	defer close(c.idle)
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := rotate(c.place.log); err != nil {
				c.opts.Logger.Warn("postgres log not rotated", "error", err)
			}
		case <-c.running.dead:
			c.opts.Logger.Warn("postgres died, restarting it", "pid", c.running.pid)
			c.restart(ctx)
		}
	}
}

// restart tries until the server answers or ctx ends.
func (c *Cluster) restart(ctx context.Context) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, maxPause
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		limited, cancel := context.WithTimeout(ctx, startLimit)
		defer cancel()
		return struct{}{}, c.launchOnce(limited)
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, pause time.Duration) {
		c.opts.Logger.Warn("postgres does not start, trying again", "pause", pause, "error", err)
	}))
	if err == nil {
		c.opts.Logger.Info("postgres restarted", "pid", c.running.pid)
	}
}

// launch starts the server, waiting out what is left of one that was killed.
func (c *Cluster) launch(ctx context.Context) error {
	var last error // says more than that the context ended
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		if last = c.launchOnce(ctx); last != nil && !errors.Is(last, errLingering) {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(backoff.NewConstantBackOff(firstPause)), backoff.WithMaxElapsedTime(0))
	return last
}

// clearDead removes the traces of a dead server which would keep a new one from starting: its lock files, since their
// process id may belong to something else by now, and, where they can be told, sessions that outlive it in a long statement.
func (c *Cluster) clearDead(ctx context.Context) error {
	if left, ok := readPidFile(c.place.data); ok && serves(ctx, left.pid, c.place.data) {
		return fmt.Errorf("a server (pid %d) already runs on %s", left.pid, c.place.data)
	}
	for _, pid := range strays(ctx, c.place.data) {
		c.opts.Logger.Warn("ending a session of the dead server", "pid", pid)
		if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end session %d of the dead server: %w", pid, err)
		}
	}
	return errors.Join(removeAny(filepath.Join(c.place.data, "postmaster.pid")), c.place.clearSockets())
}

// strays lists processes of a server on the data folder. Only Linux tells; elsewhere they are waited for.
func strays(ctx context.Context, data string) []int {
	if runtime.GOOS != "linux" {
		return nil
	}
	var found []int
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && serves(ctx, pid, data) {
			found = append(found, pid)
		}
	}
	return found
}

// rotate copies a log that has grown too long aside and empties it; the server goes on appending to the same file.
func rotate(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() < logLimit {
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.OpenFile(path+".1", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, io.LimitReader(from, 2*logLimit))
	return errors.Join(err, to.Close(), os.Truncate(path, 0))
}
