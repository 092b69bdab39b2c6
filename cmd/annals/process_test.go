package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

// asAnnals makes the test binary run as annals itself, so that it can be killed as a process.
const asAnnals = "ANNALS_TEST_AS_ANNALS"

func TestMain(m *testing.M) {
	if os.Getenv(asAnnals) != "" {
		os.Exit(perform(os.Args[1:]))
	}
	if what := os.Getenv(asAttackers); what != "" {
		var t target
		if err := json.Unmarshal([]byte(what), &t); err != nil {
			panic(err)
		}
		attack(t)
		os.Exit(0)
	}
	// Of those that are parallel each waits most of the time. What the command line says comes later.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	status := m.Run()
	if n := undescribed.Load(); n > 0 {
		fmt.Fprintln(os.Stderr, n, "answers were not as the API's description has them")
		status = max(status, 1)
	}
	os.Exit(status)
}

// process is annals in a process of its own.
type process struct {
	*client
	cmd  *exec.Cmd
	said string // its first line, which tells where it listens
	done chan struct{}
}

// spawn starts `annals serve` with these settings (NAME=value) and waits until it listens.
func spawn(t testing.TB, settings ...string) *process {
	t.Helper()
	return spawnBuild(t, os.Args[0], settings...)
}

// spawnBuild does so with another binary.
func spawnBuild(t testing.TB, binary string, settings ...string) *process {
	t.Helper()
	dir := ""
	for _, s := range settings {
		if set, ok := strings.CutPrefix(s, "DATA_DIR="); ok {
			dir = set
		}
	}
	p := command(t, binary, dir, settings, "serve")
	p.client = newClient(regexp.MustCompile(`http://[^/]+`).FindString(p.said))
	return p
}

// spawnStore starts `annals eventstore` on a folder and gives its URL.
func spawnStore(t testing.TB, data string) (p *process, url string) {
	t.Helper()
	p = command(t, os.Args[0], data, nil, "eventstore", "--listen", "127.0.0.1:0", "--data", data)
	return p, "esdb://" + regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(p.said) + "?tls=false"
}

// command starts a binary of annals on a folder, with these settings and arguments, and waits for its first line. It ends
// with the test, and even when it is killed its socket does not stay.
func command(t testing.TB, binary, dir string, settings []string, args ...string) *process {
	t.Helper()
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Dir(node.SocketPath(mustAbs(t, dir)))) })
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), asAnnals+"=1", "RATE_LIMIT=off", "LOG_LEVEL=warn")
	cmd.Env = append(cmd.Env, settings...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	t.Cleanup(p.kill)
	said := make(chan string, 1)
	go func() {
		defer close(p.done)
		lines := bufio.NewReader(out)
		if line, err := lines.ReadString('\n'); err == nil {
			said <- line
		}
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait()
	}()
	select {
	case p.said = <-said:
	case <-p.done:
		t.Fatalf("annals ended before it served: %v", cmd.ProcessState)
	case <-time.After(time.Minute):
		t.Fatal("annals did not serve within a minute")
	}
	return p
}

// kill ends the process at once, as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// stop asks the process to stop, and tells its exit status.
func (p *process) stop(t testing.TB) int {
	t.Helper()
	return p.stopBy(t, syscall.SIGTERM)
}

func (p *process) stopBy(t testing.TB, signal syscall.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		t.Fatal("annals did not stop within a minute")
	}
	return p.cmd.ProcessState.ExitCode()
}

// started is a server in this process.
type started struct {
	*client
	stop func() error
}

// inside runs a server in this process on a database and a folder of its own; change alters its configuration, options the rest.
func inside(t testing.TB, change func(*node.Config), options ...func(*node.Options)) *started {
	t.Helper()
	c := node.Config{
		Listening: node.Listening{Host: "127.0.0.1"}, Places: node.Places{DataDir: t.TempDir(), LogLevel: "warn"},
		CharacterFiles: node.CharacterFiles{CharactersDir: "../../deploy/characters"}, CharacterURLs: "off",
		RateLimit: "off", Salt: node.Salt{SecretSalt: "secretsalt"},
	}
	if change != nil {
		change(&c)
	}
	if c.PostgresURL == "" {
		c.PostgresURL = pgtest.New(t)
	}
	return insideWith(t, c, options...)
}

func insideWith(t testing.TB, c node.Config, options ...func(*node.Options)) *started {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	o := node.Options{Config: c, Logger: log}
	for _, change := range options {
		change(&o)
	}
	base, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- node.Serve(ctx, o, func(url string) { base <- url })
	}()
	s := &started{}
	var over error
	var stopped bool
	s.stop = func() error {
		if !stopped {
			stopped = true
			cancel(errors.New("interrupt signal received")) // as signal.NotifyContext says it
			over = <-ended
			if s.client != nil {
				s.http.CloseIdleConnections()
			}
		}
		return over
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("the server failed: %v", err)
		}
	})
	select {
	case url := <-base:
		s.client = newClient(url)
	case err := <-ended:
		ended <- err
		t.Fatalf("the server did not start: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the server did not start within a minute")
	}
	return s
}

// testLog writes a server's log into that of the test.
type testLog struct{ testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	l.Logf("%s", strings.TrimSpace(string(line)))
	return len(line), nil
}

// setting is how long a campaign is: what the environment says under the name, long in `make soak`, and short otherwise.
func setting(name string, short, long int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	if os.Getenv("ANNALS_SOAK") != "" {
		return long
	}
	return short
}

// eventually waits for a condition.
func eventually(t testing.TB, within time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !is(); {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
