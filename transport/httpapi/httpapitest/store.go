package httpapitest

import (
	"context"
	"testing"

	"annals/events"
	"annals/events/esdb"
	"annals/events/esdb/esdbtest"
)

// openStore starts an event store of the test's own and reaches it as the server does.
func openStore(t testing.TB, codec *events.Codec) *esdb.Store {
	t.Helper()
	o := esdbtest.New(t).Options()
	o.Codec = codec
	store, err := esdb.Open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(t, store.Close(ctx))
	})
	return store
}

// Last is the newest fact.
func (s *Server) Last() events.Recorded {
	s.T.Helper()
	for e, err := range s.Store.ReadAll(s.T.Context(), 0, events.Backwards, events.Filter{}) {
		must(s.T, err)
		return e
	}
	s.T.Fatal("the log is empty")
	return events.Recorded{}
}
