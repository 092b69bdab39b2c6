package host

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// socketPathLimit is how many bytes of a unix socket's path every system takes: Linux takes 107, macOS 103.
const socketPathLimit = 103

// SocketDir returns the folder for a private socket called file: own below $XDG_RUNTIME_DIR where that belongs to the user (su and
// sudo may pass on another user's), else shared below the temporary folder, else shared below /tmp. It is the first that can be
// there, whose path is short enough and that usable accepts, and the same as long as the environment is. An empty own leaves
// $XDG_RUNTIME_DIR out; a nil usable accepts all.
func SocketDir(own, shared, file string, usable func(dir string) bool) string {
	may := func(dir string) bool { return fits(dir, file) && (usable == nil || usable(dir)) }
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" && own != "" && may(filepath.Join(run, own)) {
		if owner, ok := ownerOf(run); ok && owner == os.Geteuid() {
			return filepath.Join(run, own)
		}
	}
	if temp := filepath.Join(os.TempDir(), shared); may(temp) {
		if _, ok := ownerOf(os.TempDir()); ok {
			return temp
		}
	}
	return filepath.Join("/tmp", shared)
}

// ownerOf returns the id of the user to whom a folder belongs, and reports whether it is a folder.
func ownerOf(dir string) (uid int, ok bool) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return 0, false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(owner.Uid), true
}

func fits(dir, file string) bool { return len(filepath.Join(dir, file)) <= socketPathLimit }

// MakeSocketDir makes the folder for a socket called file, whose permissions are the socket's only guard. It refuses a
// folder that is not private to the user, and one whose path is too long. made reports that there was none.
func MakeSocketDir(dir, file string, uid int) (made bool, err error) {
	if !fits(dir, file) {
		return false, fmt.Errorf("socket folder %s is too long: a socket's path holds %d bytes", dir, socketPathLimit)
	}
	if err := os.Mkdir(dir, 0o700); err == nil {
		return true, nil
	} else if !errors.Is(err, fs.ErrExist) {
		return false, fmt.Errorf("socket folder: %w; set TMPDIR to a folder that this user can write", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return false, err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ok || int(owner.Uid) != uid {
		return false, fmt.Errorf("socket folder %s is not a private folder of user id %d: remove it", dir, uid)
	}
	return false, nil
}

// ListenPrivate listens on a unix socket in a private folder of this user. It replaces a socket that is there already: the
// caller holds the lock that says that nobody serves it. Closing the listener removes the folder, too.
func ListenPrivate(path string) (net.Listener, error) {
	for again := 0; ; again++ {
		l, err := listenPrivate(path)
		if again < quickFailures && errors.Is(err, fs.ErrNotExist) { // a program that cleans up has removed the folder meanwhile
			continue
		}
		return l, err
	}
}

func listenPrivate(path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if _, err := MakeSocketDir(dir, filepath.Base(path), os.Geteuid()); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path) //nolint:noctx // nothing to wait for
	if err != nil {
		return nil, err
	}
	return privateListener{l, dir}, nil
}

// privateListener removes its folder when it is closed.
type privateListener struct {
	net.Listener
	dir string
}

func (l privateListener) Close() error {
	err := l.Listener.Close()
	_ = os.Remove(l.dir) // fails when something else lies there, as is right
	return err
}

const (
	// lookEvery is how often KeepServing looks whether its socket is still there.
	lookEvery = time.Second
	// quickFailures is how many listeners in a row may fail sooner than that.
	quickFailures = 3
)

// KeepServing calls serve with l, which ListenPrivate made at path, and again with a new listener when the socket was removed
// (as programs do that clean the temporary folder) or the listener has failed; lost reports each time that happens. It returns
// when serve returns nil, or when a new listener cannot be made or fails at once, again and again.
func KeepServing(l net.Listener, path string, serve func(net.Listener) error, lost func(error)) error {
	for quick := 0; ; quick++ {
		began := time.Now()
		stop := closeWhenGone(l, path)
		err := serve(l)
		stop()
		if err == nil {
			return nil
		}
		if time.Since(began) >= lookEvery {
			quick = 0
		} else if quick == quickFailures {
			return err
		}
		lost(err)
		_ = l.Close()
		if l, err = ListenPrivate(path); err != nil {
			return err
		}
	}
}

// closeWhenGone closes a listener when its socket is not at its path any more. The returned function ends the watch, and
// waits for it: closing a listener removes its folder, which must not be that of the next one.
func closeWhenGone(l net.Listener, path string) (stop func()) {
	made, err := os.Lstat(path)
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for err == nil {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			var now os.FileInfo
			if now, err = os.Lstat(path); err == nil && !os.SameFile(made, now) {
				err = fs.ErrNotExist
			}
		}
		_ = l.Close()
	}()
	return func() { close(ended); <-done }
}
