package esdb_test

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/esdb"
	"annals/events/esdb/esdbtest"
)

func TestWhatIsParkedIsRetriedAndDroppedOneByOneOrAll(t *testing.T) {
	t.Parallel()
	log := esdbtest.New(t)
	const group = "reply"
	if found, err := log.Parked(t.Context(), group); err != nil || len(found) > 0 {
		t.Fatalf("before there is a group: %v, %v", found, err)
	}
	s := esdb.NewSubscriber(log.Store, esdb.SubscriberOptions{
		Group: group, Types: []string{events.AgentStarted{}.EventType()}, Concurrency: 1, MessageTimeout: time.Minute, Logger: slog.New(slog.DiscardHandler),
	})
	deliveries, err := s.Subscribe(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu    sync.Mutex
		well  bool
		dealt []uuid.UUID
	)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m := range deliveries {
			mu.Lock()
			if well {
				dealt = append(dealt, uuid.MustParse(m.UUID))
				m.Ack()
			} else {
				esdb.Park(m, "not today")
				m.Nack()
			}
			mu.Unlock()
		}
	}()
	t.Cleanup(func() { _ = s.Close(); <-done })
	var ids []uuid.UUID
	parked := func() (now []uuid.UUID) {
		found, err := log.Parked(t.Context(), group)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found {
			if p.Reason != "not today" || p.Added.IsZero() || p.Group != group || p.Event.Event.EventType() != "AgentStarted" {
				t.Errorf("parked is %+v", p)
			}
			now = append(now, p.Event.ID)
		}
		return now
	}
	remain := func(what string, want ...uuid.UUID) {
		t.Helper()
		var now []uuid.UUID
		for end := time.Now().Add(20 * time.Second); !slices.Equal(now, want); time.Sleep(10 * time.Millisecond) {
			if now = parked(); time.Now().After(end) {
				t.Fatalf("%s: parked are %v, not %v, of %v", what, now, want, ids)
			}
		}
	}
	for i := range 5 {
		agent := uuid.New()
		log.Record(events.AgentStream(agent), time.Now().UTC(), events.AgentStarted{AgentID: agent})
		for len(ids) == i {
			ids = parked()
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for most, want := range map[int]int{1: 1, 1 << 20: len(ids)} {
		some, err := log.ParkedWithin(t.Context(), group, most)
		if must(err); len(some) != want || some[0].Event.ID != ids[0] {
			t.Errorf("within %d bytes: %d parked events, not the oldest %d", most, len(some), want)
		}
	}
	mu.Lock()
	well = true
	mu.Unlock()
	must(log.RetryParked(t.Context(), group, ids[2]))
	remain("one retried", ids[0], ids[1], ids[3], ids[4])
	must(log.DropParked(t.Context(), group, ids[1]))
	remain("one dropped", ids[0], ids[3], ids[4])
	must(log.RetryParked(t.Context(), group, ids[4]))
	remain("another retried", ids[0], ids[3])
	for _, err := range []error{log.RetryParked(t.Context(), group, ids[1]), log.DropParked(t.Context(), group, ids[2])} {
		if !errors.Is(err, esdb.ErrNotParked) {
			t.Errorf("what is not parked: %v", err)
		}
	}
	must(log.RetryParked(t.Context(), group, uuid.Nil))
	remain("all retried")
	must(log.DropParked(t.Context(), group, uuid.Nil))
	mu.Lock()
	defer mu.Unlock()
	if want := []uuid.UUID{ids[2], ids[4], ids[0], ids[3]}; !slices.Equal(dealt, want) {
		t.Errorf("delivered again were %v, not %v", dealt, want)
	}
}
