package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

// witness follows the log over all lives of a node, each time from where it was. What it saw is there for ever.
type witness struct {
	mu   sync.Mutex
	seen []sighting
}

type sighting struct {
	id       uuid.UUID
	position esdb.Position
}

func (w *witness) snapshot() []sighting {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

// follow takes what comes until the subscription is dropped.
func (w *witness) follow(t testing.TB, client *esdb.Client) *sync.WaitGroup {
	ctx, cancel := context.WithTimeout(context.Background(), 10*patience)
	var from esdb.AllPosition = esdb.Start{}
	if all := w.snapshot(); len(all) > 0 {
		from = all[len(all)-1].position
	}
	sub, err := client.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: from})
	must(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		defer cancel()
		defer sub.Close()
		for {
			e := sub.Recv()
			if e.SubscriptionDropped != nil {
				return
			}
			if e.EventAppeared != nil {
				w.mu.Lock()
				w.seen = append(w.seen, sighting{e.EventAppeared.Event.EventID, e.EventAppeared.Event.Position})
				w.mu.Unlock()
			}
		}
	})
	return &running
}

// holds compares what was seen with the log: each event once, in order, without a gap.
func (w *witness) holds(t *testing.T, n running, seen []sighting) {
	t.Helper()
	all := n.readAll(t, esdb.ReadAllOptions{})
	for i, s := range seen {
		if i >= len(all) || all[i].Event.EventID != s.id || all[i].Event.Position != s.position {
			t.Fatalf("of %d events that a subscriber has seen the log does not have number %d, at %d, in its place", len(seen), i, s.position.Commit)
		}
	}
}

// readBack reads the event at a position, as a client does that was told of it.
func readBack(ctx context.Context, node streams.StreamsClient, at uint64) (string, error) {
	reading, err := node.Read(ctx, &streams.ReadReq{Options: &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
			AllOption: &streams.ReadReq_Options_AllOptions_Position{Position: &streams.ReadReq_Options_Position{CommitPosition: at, PreparePosition: at}},
		}},
		CountOption:  &streams.ReadReq_Options_Count{Count: 1},
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}},
	}})
	if err != nil {
		return "", err
	}
	for {
		answer, err := reading.Recv()
		if err != nil {
			return "", err
		}
		if e := answer.GetEvent(); e != nil {
			return e.GetEvent().GetId().GetString_(), nil
		}
	}
}

// errStale: what was acknowledged at a position could not be read there at once.
var errStale = errors.New("a stale read")

// check reads back an append that ended at a position.
func check(ctx context.Context, node streams.StreamsClient, at uint64, last uuid.UUID) error {
	found, err := readBack(ctx, node, at)
	if err == nil && found != last.String() {
		return fmt.Errorf("%w: at %d it has %s instead of %s", errStale, at, found, last)
	}
	return err
}
