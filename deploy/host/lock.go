// Package host holds what programs on one machine share: locks on files, and private folders for unix sockets.
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

// ErrLocked reports that another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// LockMode limits how many may hold a lock at once.
type LockMode int

// A Shared lock is held by any number of holders, an Exclusive one by one.
const (
	Shared    LockMode = syscall.LOCK_SH
	Exclusive LockMode = syscall.LOCK_EX
)

// TryLock takes an advisory lock on a file or returns ErrLocked at once. A file that is missing is made with perm. Closing
// the file releases the lock; the system does so when the process ends, however it ends.
func TryLock(path string, mode LockMode, perm fs.FileMode) (*os.File, error) {
	for {
		f, err := openLock(path, perm)
		if err != nil {
			return nil, err
		}
		if err := flock(f, mode); err != nil {
			_ = f.Close()
			return nil, err
		}
		if isAt(f, path) {
			return f, nil
		}
		_ = f.Close() // the file was removed by its last holder between open and lock
	}
}

// WaitLock takes the lock, waiting for it until ctx is done.
func WaitLock(ctx context.Context, path string, mode LockMode, perm fs.FileMode) (*os.File, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		f, err := TryLock(path, mode, perm)
		if !errors.Is(err, ErrLocked) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock %s: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}

// IsLocked reports whether a process holds an exclusive lock on a file. It makes none where there is none.
func IsLocked(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	if err := flock(f, Shared); !errors.Is(err, ErrLocked) {
		return false, err
	}
	return true, nil
}

// openLock prefers not to create: in a sticky folder the system refuses to create what another user has made.
func openLock(path string, perm fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		return os.Open(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return os.OpenFile(path, os.O_RDWR|os.O_CREATE, perm)
	}
	return f, err
}

func flock(f *os.File, mode LockMode) error {
	for {
		err := syscall.Flock(int(f.Fd()), int(mode)|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrLocked
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
