package httpapi

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"annals/events"
	"annals/events/embedded"
	"annals/events/esdb"
)

// openStore starts an event store of the test's own and reaches it as the server does.
func openStore(t testing.TB, codec *events.Codec) *esdb.Store {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	node, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir(), Logger: quiet})
	must(t, err)
	// A socket's path is short: the name of the test is not in it.
	sockets, err := os.MkdirTemp("", "api")
	must(t, err)
	socket := filepath.Join(sockets, "s")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := node.Serve(l); err != nil {
			t.Error(err)
		}
	})
	store, err := esdb.Open(t.Context(), esdb.Options{Socket: socket, Codec: codec, Logger: quiet})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(t, store.Close(ctx))
		must(t, node.Close(ctx))
		serving.Wait()
		must(t, os.RemoveAll(sockets))
	})
	return store
}

// last is the newest fact.
func (s *server) last() events.Recorded {
	s.t.Helper()
	for e, err := range s.store.ReadAll(s.t.Context(), 0, events.Backwards, events.Filter{}) {
		must(s.t, err)
		return e
	}
	s.t.Fatal("the log is empty")
	return events.Recorded{}
}
