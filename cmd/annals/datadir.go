package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// dataDir is the folder of one server. Whoever holds its lock serves the embedded event store.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes the folder and takes its lock. Others may pass through the folder: PostgreSQL may have to run as
// another user. What is secret in it is in folders of its own.
func openDataDir(path string) (*dataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o711); err != nil { //nolint:gosec // see above
		return nil, fmt.Errorf("data folder: %w; set DATA_DIR to a folder that can be written", err)
	}
	f, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w; set DATA_DIR to a folder that can be written", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(f.Name())
		_ = f.Close()
		return nil, fmt.Errorf("%s is in use by process %s: stop it, or set another DATA_DIR and SERVER_PORT",
			path, strings.TrimSpace(string(holder)))
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintln(os.Getpid()))); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return &dataDir{path: path, lock: f}, nil
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}

func (d *dataDir) join(name string) string { return filepath.Join(d.path, name) }

// Close gives the lock back.
func (d *dataDir) Close() error { return d.lock.Close() }

// socketPath is where the embedded event store of a data folder listens: in $XDG_RUNTIME_DIR or the temporary folder,
// since the path of a unix socket holds 107 bytes only.
func socketPath(dataDir string) string {
	sum := sha256.Sum256([]byte(dataDir))
	name := "annals-" + hex.EncodeToString(sum[:8])
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, name, "events.sock")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("%s-%d", name, os.Getuid()), "events.sock")
}

// listenSocket listens where only this user gets in. A socket that a killed process left behind is replaced: the lock of
// the data folder is held.
func listenSocket(path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("folder of the event store's socket: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ok || int(owner.Uid) != os.Getuid() {
		return nil, fmt.Errorf("%s belongs to somebody else or is open to others: remove it", dir)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return net.Listen("unix", path) //nolint:noctx // nothing to wait for
}
