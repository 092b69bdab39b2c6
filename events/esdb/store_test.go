package esdb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/esdb"
	"annals/events/esdb/esdbtest"
)

// The tests of this file hold for every EventStoreDB: they run on the one at EVENTSTORE_URL if that is set, where others may
// write beside them, and on an embedded node otherwise.

func openStore(t *testing.T) *esdb.Store {
	t.Helper()
	url := os.Getenv("EVENTSTORE_URL")
	if url == "" {
		return esdbtest.New(t).Store
	}
	s, err := openWithKeys(t.Context(), esdb.Options{URL: url, Logger: quiet}, filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// facts are n of them about one agent.
func facts(agent uuid.UUID, n int) []events.Proposed {
	list := make([]events.Proposed, n)
	for i := range list {
		list[i] = started(agent)
	}
	return list
}

func mustAppend(t *testing.T, s *esdb.Store, agent uuid.UUID, expect events.Revision, list ...events.Proposed) events.Position {
	t.Helper()
	p, err := s.Append(bounded(t), events.AgentStream(agent), expect, list...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ids of what is read, until n if that is positive.
func ids(t *testing.T, of func(func(events.Recorded, error) bool), n int, keep func(events.Recorded) bool) (list []uuid.UUID) {
	t.Helper()
	for r, err := range of {
		if err != nil {
			t.Fatal(err)
		}
		if keep(r) {
			list = append(list, r.ID)
		}
		if len(list) == n {
			break
		}
	}
	return list
}

func everything(events.Recorded) bool { return true }

func idsOf(list []events.Proposed) (ids []uuid.UUID) {
	for _, p := range list {
		ids = append(ids, p.ID)
	}
	return ids
}

func sameIDs(t *testing.T, got, want []uuid.UUID) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, wanted %v", got, want)
	}
}

func TestStoreRecordsFactsOnceAndAtTheExpectedRevision(t *testing.T) {
	t.Parallel()
	s, agent := openStore(t), uuid.New()
	list := facts(agent, 3)
	first := mustAppend(t, s, agent, events.NoStream, list[:2]...)
	if again := mustAppend(t, s, agent, events.NoStream, list[:2]...); again != first {
		t.Errorf("the same append is at %d, and was at %d", again, first)
	}
	if later := mustAppend(t, s, agent, 1, list[2]); later <= first {
		t.Errorf("position %d is not after %d", later, first)
	}
	for _, expect := range []events.Revision{events.NoStream, 0, 7} {
		if _, err := s.Append(bounded(t), events.AgentStream(agent), expect, started(agent)); !errors.Is(err, events.ErrConflict) {
			t.Errorf("at %d: %v", expect, err)
		}
	}
	sameIDs(t, ids(t, s.Read(bounded(t), events.AgentStream(agent), events.Forwards), 0, everything), idsOf(list))
}

func TestStoreReadsAStreamBothWays(t *testing.T) {
	t.Parallel()
	s, agent := openStore(t), uuid.New()
	sameIDs(t, ids(t, s.Read(bounded(t), events.AgentStream(agent), events.Forwards), 0, everything), nil)
	list := facts(agent, 1200) // more than two pages
	for i := 0; i < len(list); i += 400 {
		mustAppend(t, s, agent, events.Revision(i-1), list[i:i+400]...)
	}
	want := idsOf(list)
	sameIDs(t, ids(t, s.Read(bounded(t), events.AgentStream(agent), events.Forwards), 0, everything), want)
	slices.Reverse(want)
	sameIDs(t, ids(t, s.Read(bounded(t), events.AgentStream(agent), events.Backwards), 0, everything), want)
}

func TestStoreReadsTheLogFromAPositionBothWays(t *testing.T) {
	t.Parallel()
	s, agent := openStore(t), uuid.New()
	list := facts(agent, 6)
	begin := mustAppend(t, s, agent, events.NoStream, list[:3]...)
	end := mustAppend(t, s, agent, 2, list[3:]...)
	own := events.Filter{Streams: []string{string(events.AgentStream(agent))}}
	sameIDs(t, ids(t, s.ReadAll(bounded(t), begin, events.Forwards, own), 0, everything), idsOf(list[3:]))
	want := idsOf(list[:5])
	slices.Reverse(want)
	sameIDs(t, ids(t, s.ReadAll(bounded(t), end, events.Backwards, own), 5, everything), want)
	head, err := s.Head(bounded(t))
	if err != nil || head < end {
		t.Errorf("the head is %d, after %d was recorded: %v", head, end, err)
	}
	none := events.Filter{Types: []string{"AgentDeleted"}}
	ofAgent := func(r events.Recorded) bool { return r.Stream == events.AgentStream(agent) }
	sameIDs(t, ids(t, s.ReadAll(bounded(t), begin, events.Forwards, none), 0, ofAgent), nil)
}

func TestStoreGivesBackWhatWasRecorded(t *testing.T) {
	t.Parallel()
	s, agent := openStore(t), uuid.New()
	fact := started(agent)
	fact.Meta.Correlation, fact.Meta.Causation, fact.Meta.Hops = uuid.New(), uuid.New(), 3
	at := mustAppend(t, s, agent, events.NoStream, fact)
	for r, err := range s.Read(bounded(t), events.AgentStream(agent), events.Forwards) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Event != fact.Event || r.Position != at || r.Revision != 0 || r.Meta.Correlation != fact.Meta.Correlation ||
			r.Meta.Causation != fact.Meta.Causation || r.Meta.Hops != 3 || !r.Meta.At.Equal(fact.Meta.At) {
			t.Errorf("%+v came back as %+v", fact, r)
		}
		if time.Since(r.Created).Abs() > time.Hour {
			t.Errorf("it is dated %v", r.Created)
		}
	}
}

func TestStoreSubscriptionsCatchUpAndGoOnLive(t *testing.T) {
	t.Parallel()
	s, agent := openStore(t), uuid.New()
	list := facts(agent, 9)
	after := mustAppend(t, s, agent, events.NoStream, list[:3]...)
	mustAppend(t, s, agent, 2, list[3:6]...)
	appended := make(chan error, 1)
	var got []uuid.UUID
	for r, err := range s.Subscribe(bounded(t), after, events.Filter{Streams: []string{string(events.AgentStream(agent))}}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, r.ID); len(got) == 3 { // caught up: what comes now is live
			_, err := s.Append(bounded(t), events.AgentStream(agent), 5, list[6:]...)
			appended <- err
		}
		if len(got) == 6 {
			break
		}
	}
	if err := <-appended; err != nil {
		t.Fatal(err)
	}
	sameIDs(t, got, idsOf(list[3:]))
}

func TestStoreDeliversToAGroupUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	s, agent := openStore(t), uuid.New()
	list := facts(agent, 3)
	mustAppend(t, s, agent, events.NoStream, list...)
	subscriber := esdb.NewSubscriber(s, esdb.SubscriberOptions{Group: "g", MessageTimeout: time.Minute, Logger: quiet})
	defer func() { _ = subscriber.Close() }()
	messages, err := subscriber.Subscribe(bounded(t), string(events.AgentStream(agent)))
	if err != nil {
		t.Fatal(err)
	}
	deliveries := map[uuid.UUID]int{}
	for len(deliveries) < len(list) || deliveries[list[0].ID] < 2 {
		m, ok := <-messages
		if !ok {
			t.Fatal("the subscription ended")
		}
		r, err := esdb.Delivery(m)
		if err != nil {
			t.Fatal(err)
		}
		if deliveries[r.ID]++; r.ID == list[0].ID && deliveries[r.ID] == 1 {
			m.Nack()
			continue
		}
		m.Ack()
	}
}
