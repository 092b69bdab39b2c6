package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"annals/deploy/host/hosttest"
	"annals/events/embedded"
)

// patience bounds everything in these tests that waits.
const patience = time.Minute

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// running is a node on a unix socket, with a client.
type running struct {
	*embedded.Node
	*esdb.Client
	socket string
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// startNode opens a node and serves it until the test ends.
func startNode(t testing.TB, o embedded.Options) running {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Logger == nil {
		o.Logger = quiet()
	}
	node, err := embedded.Open(t.Context(), o)
	must(t, err)
	socket := socketPath(t)
	l, err := net.Listen("unix", socket)
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- node.Serve(l) }()
	client := dial(t, socket)
	t.Cleanup(func() {
		client.Close()
		closeNode(t, node)
		must(t, <-served)
	})
	return running{node, client, socket}
}

func closeNode(t testing.TB, node *embedded.Node) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(t, node.Close(ctx))
}

func socketPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(hosttest.ShortDir(t), "s")
}

func dial(t testing.TB, socket string) *esdb.Client {
	client, err := esdb.NewClient(&esdb.Configuration{
		Address: "unix:" + socket, DisableTLS: true, MaxDiscoverAttempts: 100, DiscoveryInterval: 50, GossipTimeout: 5,
		KeepAliveInterval: 10 * time.Second, KeepAliveTimeout: 10 * time.Second, Logger: func(esdb.LogLevel, string, ...any) {},
	})
	must(t, err)
	return client
}

// named makes n JSON events of a type.
func named(kind string, n int) []esdb.EventData {
	events := make([]esdb.EventData, n)
	for i := range events {
		events[i] = esdb.EventData{
			EventID: uuid.New(), EventType: kind, ContentType: esdb.ContentTypeJson,
			Data: fmt.Appendf(nil, `{"n":%d}`, i), Metadata: []byte(`{"by":"test"}`),
		}
	}
	return events
}

func (n running) append(t testing.TB, stream string, events ...esdb.EventData) *esdb.WriteResult {
	t.Helper()
	w, err := n.AppendToStream(testContext(t), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, events...)
	must(t, err)
	return w
}

// drain reads a stream to its end.
func drain(t testing.TB, s *esdb.ReadStream, err error) []*esdb.ResolvedEvent {
	t.Helper()
	must(t, err)
	defer s.Close()
	var all []*esdb.ResolvedEvent
	for {
		e, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		all = append(all, e)
	}
}

func (n running) read(t testing.TB, stream string, o esdb.ReadStreamOptions) []*esdb.ResolvedEvent {
	t.Helper()
	s, err := n.ReadStream(testContext(t), stream, o, 1<<40)
	return drain(t, s, err)
}

func (n running) readAll(t testing.TB, o esdb.ReadAllOptions) []*esdb.ResolvedEvent {
	t.Helper()
	s, err := n.ReadAll(testContext(t), o, 1<<40)
	return drain(t, s, err)
}

func TestAppendedEventsAreReadBackAsTheyWere(t *testing.T) {
	t.Parallel()
	n := startNode(t, embedded.Options{})
	events := named("Counted", 3)
	events[1].ContentType, events[1].Data = esdb.ContentTypeBinary, []byte{0, 1, 2}
	w := n.append(t, "numbers", events...)
	equal(t, w.NextExpectedVersion, 2)
	got := n.read(t, "numbers", esdb.ReadStreamOptions{})
	equal(t, len(got), 3)
	for i, e := range got {
		equal(t, e.Event.EventID, events[i].EventID)
		equal(t, e.Event.Data, events[i].Data)
		equal(t, e.Event.UserMetadata, events[i].Metadata)
		equal(t, e.Event.EventType, "Counted")
		equal(t, e.Event.EventNumber, uint64(i))
		holds(t, time.Since(e.Event.CreatedDate).Abs() < patience, "the date is not now")
		equal(t, *e.Commit, e.Event.Position.Commit)
	}
	equal(t, got[1].Event.ContentType, "application/octet-stream")
	equal(t, got[2].Event.Position.Commit, w.CommitPosition)
}

func TestALogIsAsItWasAfterTheNodeIsOpenedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	node, err := embedded.Open(t.Context(), embedded.Options{Dir: dir, Logger: quiet()})
	must(t, err)
	closeNode(t, node)
	closeNode(t, node)
	first := startNode(t, embedded.Options{Dir: dir})
	before := first.readAll(t, esdb.ReadAllOptions{})
	equal(t, len(before), 6) // the system events of a fresh database, once
	first.append(t, "s", named("A", 10)...)
	before = first.readAll(t, esdb.ReadAllOptions{})
	closeNode(t, first.Node)
	second := startNode(t, embedded.Options{Dir: dir})
	equal(t, second.readAll(t, esdb.ReadAllOptions{}), before)
}
