package esdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/esdb"
	"annals/events/esdb/esdbtest"
)

// Set in its environment, these make the test binary a client that appends to the socket until it is killed.
const (
	childSocket = "ESDB_TEST_SOCKET"
	childKeys   = "ESDB_TEST_KEYS"
)

func TestMain(m *testing.M) {
	if socket := os.Getenv(childSocket); socket != "" {
		fmt.Fprintln(os.Stderr, appendUntilKilled(socket, os.Getenv(childKeys)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// atOnce is how many facts the child appends together.
const atOnce = 50

func appendUntilKilled(socket, keys string) error {
	ctx := context.Background()
	s, err := openWithKeys(ctx, esdb.Options{Socket: socket, Logger: quiet}, keys)
	if err != nil {
		return err
	}
	for {
		id := uuid.New()
		facts := make([]events.Proposed, atOnce)
		for i := range facts {
			facts[i] = started(id)
		}
		if _, err := s.Append(ctx, events.AgentStream(id), events.NoStream, facts...); err != nil {
			return err
		}
		fmt.Println(id)
	}
}

func openWithKeys(ctx context.Context, o esdb.Options, keys string) (*esdb.Store, error) {
	k, err := events.NewFileKeys(keys)
	if err != nil {
		return nil, err
	}
	o.Codec = events.NewCodec(k)
	return esdb.Open(ctx, o)
}

// spawnClient gives what the client tells once it was killed in the middle of its work.
func spawnClient(t *testing.T, socket string) (acknowledged []uuid.UUID) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childSocket+"="+socket, childKeys+"="+filepath.Join(t.TempDir(), "keys"))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if id, err := uuid.Parse(lines.Text()); err == nil { // the last line may be cut off
			acknowledged = append(acknowledged, id)
		}
		if len(acknowledged) == 30 {
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := child.Wait(); !errors.As(err, new(*exec.ExitError)) {
		t.Error("the client ended by itself")
	}
	return acknowledged
}

func TestAClientKilledMidAppendLeavesWholeAppendsOnly(t *testing.T) {
	t.Parallel()
	log := esdbtest.New(t)
	var acknowledged []uuid.UUID
	for range 3 {
		acknowledged = append(acknowledged, spawnClient(t, log.Options().Socket)...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	facts := map[events.StreamID]int{}
	for r, err := range log.ReadAll(ctx, 0, events.Forwards, events.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		facts[r.Stream]++
	}
	for stream, n := range facts {
		if n != atOnce {
			t.Errorf("%s has %d facts, of %d", stream, n, atOnce)
		}
	}
	for _, id := range acknowledged {
		if facts[events.AgentStream(id)] == 0 {
			t.Errorf("what was acknowledged for %s is lost", id)
		}
	}
	if len(facts) < 90 {
		t.Errorf("only %d appends were made", len(facts))
	}
}
