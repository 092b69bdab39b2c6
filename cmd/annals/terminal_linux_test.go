package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"annals/deploy/postgres/pgtest"
)

// terminal is a pseudo-terminal: what is written to it comes out of screen.
func terminal(t *testing.T) (tty *os.File, screen func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no pseudo-terminals as Linux has them:", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip("there are no pseudo-terminals as Linux has them:", err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	var mu sync.Mutex
	var seen bytes.Buffer
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := master.Read(buffer)
			mu.Lock()
			seen.Write(buffer[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return tty, func() string {
		mu.Lock()
		defer mu.Unlock()
		return seen.String()
	}
}

func TestARebuildShowsABarOnATerminal(t *testing.T) {
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	spawn(t, settings...)
	tty, screen := terminal(t)
	cmd := rebuilding(t.Context(), settings, "--all")
	cmd.Stdout, cmd.Stderr = tty, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, screen())
	}
	eventually(t, time.Minute, "the end is on the screen", func() bool { return strings.Contains(screen(), "rebuilt agents") })
	if bar := regexp.MustCompile(`rows +\d+% \|.*positions/`); !bar.MatchString(screen()) {
		t.Errorf("no bar on the screen: %q", screen())
	}
}
