// Package filelock holds advisory locks on files, between processes. The system lets go of them when a process ends, however it ends.
package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// ErrHeld says that somebody else holds the lock.
var ErrHeld = errors.New("locked by another process")

// Mode tells how many may hold a lock at once.
type Mode int

// Shared locks are held by any number, an Exclusive one by one holder.
const (
	Shared    Mode = syscall.LOCK_SH
	Exclusive Mode = syscall.LOCK_EX
)

// Try takes the lock or returns ErrHeld at once. Closing the file gives the lock back.
func Try(path string, mode Mode) (*os.File, error) {
	for {
		f, err := open(path)
		if err != nil {
			return nil, fmt.Errorf("open lock file: %w", err)
		}
		err = flock(f, mode)
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		if isAt(f, path) {
			return f, nil
		}
		_ = f.Close() // the file was removed by its last holder between open and lock
	}
}

// Wait takes the lock, waiting for it until ctx is done.
func Wait(ctx context.Context, path string, mode Mode) (*os.File, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		f, err := Try(path, mode)
		if !errors.Is(err, ErrHeld) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock %s: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}

// open prefers not to create: in a sticky folder the system refuses to create what another user has made.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		return os.Open(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	}
	return f, err
}

func flock(f *os.File, mode Mode) error {
	for {
		err := syscall.Flock(int(f.Fd()), int(mode)|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrHeld
		case !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

func isAt(f *os.File, path string) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(held, there)
}
