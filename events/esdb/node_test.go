package esdb_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/embedded"
	"annals/events/esdb"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// node is the embedded event store on a socket, which can go away and come back with everything that it held.
type node struct {
	t      *testing.T
	dir    string
	socket string
	node   *embedded.Node
	served sync.WaitGroup
}

func startNode(t *testing.T) *node {
	t.Helper()
	// A socket's path is short: the name of the test is not in it.
	sockets, err := os.MkdirTemp("", "esdb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	n := &node{t: t, dir: t.TempDir(), socket: filepath.Join(sockets, "s")}
	n.start()
	t.Cleanup(n.stop)
	return n
}

func (n *node) start() {
	n.t.Helper()
	opened, err := embedded.Open(n.t.Context(), embedded.Options{Dir: n.dir, Logger: quiet})
	if err != nil {
		n.t.Fatal(err)
	}
	l, err := net.Listen("unix", n.socket)
	if err != nil {
		n.t.Fatal(err)
	}
	n.node = opened
	n.served.Go(func() {
		if err := opened.Serve(l); err != nil {
			n.t.Error(err)
		}
	})
}

// stop is harmless for a node that is away.
func (n *node) stop() {
	n.t.Helper()
	if n.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := n.node.Close(ctx); err != nil {
		n.t.Error(err)
	}
	n.node = nil
	n.served.Wait()
}

func closeStore(t *testing.T, s *esdb.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// memoryKeys keeps keys as long as the test runs.
type memoryKeys struct {
	mu   sync.Mutex
	keys map[uuid.UUID][]byte
}

func (k *memoryKeys) Key(_ context.Context, subject uuid.UUID, create bool) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys[subject] == nil && create {
		k.keys[subject] = append(subject[:], subject[:]...)
	}
	return k.keys[subject], nil
}

func (k *memoryKeys) Destroy(_ context.Context, subject uuid.UUID) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, subject)
	return nil
}

func codec() *events.Codec { return events.NewCodec(&memoryKeys{keys: map[uuid.UUID][]byte{}}) }

// started is a fact without personal text.
func started(agent uuid.UUID) events.Proposed {
	return events.Proposed{ID: uuid.New(), Event: events.AgentStarted{AgentID: agent}, Meta: events.Metadata{Actor: "test", At: time.Now()}}
}
