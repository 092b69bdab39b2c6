package host_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"annals/deploy/host"
	"annals/deploy/host/hosttest"
)

// greet writes to every client that connects, until the listener is closed.
func greet(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		_, _ = c.Write([]byte("hello"))
		_ = c.Close()
	}
}

func greeted(path string) bool {
	c, err := net.Dial("unix", path)
	if err != nil {
		return false
	}
	defer c.Close()
	n, _ := c.Read(make([]byte, 5))
	return n == 5
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestASocketThatIsRemovedOrWhoseListenerFailsIsServedAgain(t *testing.T) {
	path := filepath.Join(hosttest.ShortDir(t), "private", "s")
	l, err := host.ListenPrivate(path)
	if err != nil {
		t.Fatal(err)
	}
	listeners, lost, ended := make(chan net.Listener, 1), make(chan error, 1), make(chan error, 1)
	var stopped atomic.Bool
	go func() {
		ended <- host.KeepServing(l, path, func(l net.Listener) error {
			listeners <- l
			if err := greet(l); !stopped.Load() {
				return err
			}
			return nil
		}, func(err error) { lost <- err })
	}()
	<-listeners
	waitFor(t, "served", func() bool { return greeted(path) })
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"served again", "served once more"} {
		<-lost
		select {
		case l = <-listeners:
		case err := <-ended:
			t.Fatalf("it gave up: %v", err)
		}
		waitFor(t, when, func() bool { return greeted(path) })
		stopped.Store(when == "served once more")
		_ = l.Close()
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAListenerThatFailsAtOnceIsNotTriedForEver(t *testing.T) {
	path := filepath.Join(hosttest.ShortDir(t), "private", "s")
	l, err := host.ListenPrivate(path)
	if err != nil {
		t.Fatal(err)
	}
	want := errors.New("no more")
	if err := host.KeepServing(l, path, func(net.Listener) error { return want }, func(error) {}); !errors.Is(err, want) {
		t.Error(err)
	}
}
