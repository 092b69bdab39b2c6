package engine

import (
	"context"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"annals/events"
)

// counted is a store that knows how often it was subscribed to.
type counted struct {
	events.Store
	subscriptions atomic.Int32
}

func (c *counted) Subscribe(ctx context.Context, after events.Position, f events.Filter) iter.Seq2[events.Recorded, error] {
	c.subscriptions.Add(1)
	return c.Store.Subscribe(ctx, after, f)
}

// behind is a feed that begins after n messages, without PostgreSQL.
func behind(t *testing.T, n int) (*Feed, *counted) {
	t.Helper()
	log := newLog(t)
	log.say(n)
	store := &counted{Store: log}
	f := NewFeed(Options{Store: store, Log: uuid.New(), Projections: []Projection{tally("counted", "a")}})
	must(t, f.begin(patient(t)))
	return f, store
}

// takes reads n messages on from a number, and fails unless they are the next ones.
func takes(t *testing.T, q *queue, from, n int) (next int) {
	t.Helper()
	for end := from + n; from < end; {
		batch := q.take(patient(t))
		if len(batch) == 0 {
			t.Fatalf("let go of before %d", from)
		}
		for _, e := range batch {
			if numberOf(e) != from {
				t.Fatalf("came to %d where %d was due", numberOf(e), from)
			}
			from++
		}
	}
	return from
}

func TestWhoIsEquallyFarBehindSharesOneReading(t *testing.T) {
	t.Parallel()
	const n = queueEvents / 2
	f, store := behind(t, n)
	first := f.join(t.Context(), 0)
	takes(t, first, 1, n)
	second, third := f.join(t.Context(), 0), f.join(t.Context(), 0) // late, but not too late
	takes(t, second, 1, n)
	f.part(second)
	takes(t, third, 1, n)
	f.part(first)
	f.part(third)
	if s := store.subscriptions.Load(); s != 1 {
		t.Errorf("the log was read %d times", s)
	}
	if len(f.past.streams) > 0 {
		t.Error("a stream goes on that nobody follows")
	}
	alone := f.join(t.Context(), 0) // begins anew
	takes(t, alone, 1, n)
	f.part(alone)
}

func TestWhoIsStuckWhileCatchingUpHoldsNobodyUpForLong(t *testing.T) {
	t.Parallel()
	const n = 3 * queueEvents
	f, store := behind(t, n)
	stuck, quick := f.join(t.Context(), 0), f.join(t.Context(), 0)
	takes(t, quick, 1, n)
	f.part(quick)
	next := takes(t, stuck, 1, queueEvents) // what waited for it
	for batch := stuck.take(patient(t)); len(batch) > 0; batch = stuck.take(patient(t)) {
		next += len(batch)
	}
	f.part(stuck)
	if next > n {
		t.Fatal("it was not let go of")
	}
	if s := store.subscriptions.Load(); s != 1 {
		t.Errorf("the log was read %d times", s)
	}
}

func TestNothingIsReadFromThePastThatTheFeedHasNotHad(t *testing.T) {
	t.Parallel()
	f, _ := behind(t, 100)
	f.Store.(*counted).Store.(*spoken).say(100) // which the feed would observe, if it ran
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	read := 0
	for batch := range f.batches(ctx, 0) {
		if read += len(batch); read == 100 {
			cancel()
		}
	}
	if read != 100 {
		t.Errorf("%d facts were read", read)
	}
}
