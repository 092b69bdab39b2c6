// Package esdbtest gives tests a log of their own: the embedded event store, reached as in production.
package esdbtest

import (
	"context"
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

const patience = 30 * time.Second

// Log is an event store of its own that a test can append to and restart.
type Log struct {
	*esdb.Store
	t           testing.TB
	dir, socket string
	node        *embedded.Node
	served      chan error
	mu          sync.Mutex
	revisions   map[events.StreamID]events.Revision
}

// New starts an empty store, which ends with the test.
func New(t testing.TB) *Log {
	t.Helper()
	// The path of a unix socket holds 107 bytes, which t.TempDir may exceed.
	short, err := os.MkdirTemp("", "log")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(short)) })
	l := &Log{t: t, dir: filepath.Join(short, "events"), socket: filepath.Join(short, "s"), revisions: map[events.StreamID]events.Revision{}}
	l.start()
	t.Cleanup(l.stop)
	keys, err := events.NewFileKeys(filepath.Join(short, "keys"))
	must(t, err)
	l.Store, err = esdb.Open(t.Context(), esdb.Options{Socket: l.socket, Codec: events.NewCodec(keys), Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(t, l.Close(ctx))
	})
	return l
}

func (l *Log) start() {
	l.t.Helper()
	var err error
	l.node, err = embedded.Open(l.t.Context(), embedded.Options{Dir: l.dir, Logger: slog.New(slog.DiscardHandler)})
	must(l.t, err)
	listener, err := new(net.ListenConfig).Listen(l.t.Context(), "unix", l.socket)
	must(l.t, err)
	node, served := l.node, make(chan error, 1)
	l.served = served
	go func() { served <- node.Serve(listener) }()
}

func (l *Log) stop() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(l.t, l.node.Close(ctx))
	must(l.t, <-l.served)
}

// Restart takes the store away for a moment. Not for use beside Record.
func (l *Log) Restart() {
	l.t.Helper()
	l.Without(func() {})
}

// Without takes the store away for as long as f runs. Not for use beside Record.
func (l *Log) Without(f func()) {
	l.t.Helper()
	l.stop()
	defer l.start()
	f()
}

// Record appends facts to a stream as having happened at that time, and gives the position of the last.
func (l *Log) Record(s events.StreamID, at time.Time, facts ...events.Event) events.Position {
	l.t.Helper()
	p, err := l.TryRecord(s, at, facts...)
	must(l.t, err)
	return p
}

// TryRecord does the same with what the codec may refuse.
func (l *Log) TryRecord(s events.StreamID, at time.Time, facts ...events.Event) (events.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	proposed := make([]events.Proposed, len(facts))
	for i, f := range facts {
		proposed[i] = events.Proposed{ID: uuid.New(), Event: f, Meta: events.Metadata{At: at}}
	}
	expect, ok := l.revisions[s]
	if !ok {
		expect = events.NoStream
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := l.Append(ctx, s, expect, proposed...)
	if err == nil {
		l.revisions[s] = expect + events.Revision(len(facts))
	}
	return p, err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
