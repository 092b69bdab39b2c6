package projections

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

func TestAFeedBeginsWhereTheLastOneEnded(t *testing.T) {
	t.Parallel()
	url, log, store := database(t), uuid.New(), newMemory()
	p := tally("counted", "a")
	var first, second told
	store.add(facts(1, 2500)...)
	f, stop := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{p}, Committed: first.committed})
	waitFor(t, f, "a", 2500)
	stop()
	store.add(facts(2501, 10)...)
	f, _ = start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{p}, Committed: second.committed})
	waitFor(t, f, "a", 2510)
	checkTally(t, connect(t, url), p, 2510)
	first.check(t, "a", 1, 2500)
	second.check(t, "a", 2501, 2510)
}

func TestEachFactCountsOnceHoweverOftenConnectionsAreCut(t *testing.T) {
	t.Parallel()
	url, store := database(t), newMemory()
	a, b := tally("counted", "a"), tally("counted_too", "b")
	var seen told
	f, _ := start(t, Options{
		Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{a, b}, Committed: seen.committed,
	})
	conn := connect(t, url)
	n := 0
	for round := range 160 {
		chunk := 1 + rand.IntN(200)
		store.add(facts(n+1, chunk)...)
		n += chunk
		switch {
		case round%4 == 0:
			number(t, conn, disconnectFeeds)
		case round%10 == 1:
			store.interrupt()
		case round%4 == 3:
			eventually(t, "the feed is back", func() bool { return f.Wait(patient(t), "a", events.Position(n)) == nil })
		}
	}
	for _, p := range []Projection{a, b} {
		eventually(t, "everything is committed", func() bool { return f.Wait(patient(t), p.Group, events.Position(n)) == nil })
		checkTally(t, conn, p, n)
		seen.check(t, p.Group, 1, n)
	}
}

func TestFactsAreObservedOnceBeforeTheyAreCommitted(t *testing.T) {
	t.Parallel()
	url, store := database(t), newMemory()
	var (
		mu       sync.Mutex
		observed []events.Position
	)
	late := make(chan events.Position, 1)
	f, _ := start(t, Options{
		Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{tally("counted", "a")},
		Observe: func(e events.Recorded) {
			mu.Lock()
			defer mu.Unlock()
			observed = append(observed, e.Position)
		},
		Committed: func(_ string, _ []events.Recorded, upTo events.Position) {
			mu.Lock()
			defer mu.Unlock()
			if observed[len(observed)-1] < upTo {
				late <- upTo
			}
		},
	})
	conn := connect(t, url)
	for i := range 20 {
		store.add(facts(1+i*100, 100)...)
		number(t, conn, disconnectFeeds)
		eventually(t, "the feed is back", func() bool { return f.Wait(patient(t), "a", events.Position(100*(i+1))) == nil })
	}
	select {
	case p := <-late:
		t.Fatalf("%d was committed before it was observed", p)
	default:
	}
	mu.Lock()
	defer mu.Unlock()
	if len(observed) != 2000 {
		t.Fatalf("observed %d of 2000 facts", len(observed))
	}
	for i, p := range observed {
		if p != events.Position(i+1) {
			t.Fatalf("observed %d where %d was due", p, i+1)
		}
	}
}

// With synchronous_commit off, a server that crashed comes back with less.
func TestWhatACrashTookIsCommittedAgainAndToldOnce(t *testing.T) {
	t.Parallel()
	url, store := database(t), newMemory()
	p := tally("counted", "a")
	var seen told
	f, _ := start(t, Options{Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{p}, Committed: seen.committed})
	store.add(facts(1, 100)...)
	waitFor(t, f, "a", 100)
	conn := connect(t, url)
	lose := func(tx pgx.Tx) error {
		if _, err := tx.Exec(patient(t), `update annals.checkpoints set position = 60`); err != nil {
			return err
		}
		_, err := tx.Exec(patient(t), `delete from counted_g1.counted where position > 60`)
		return err
	}
	must(t, pgx.BeginFunc(patient(t), conn, lose))
	number(t, conn, disconnectFeeds)
	eventually(t, "the rows are back", func() bool { return number(t, conn, "select count(*) from counted_g1.counted") == 100 })
	store.add(facts(101, 1)...)
	eventually(t, "the feed is back", func() bool { return f.Wait(patient(t), "a", 101) == nil })
	checkTally(t, conn, p, 101)
	seen.check(t, "a", 1, 101)
}

func TestAProjectionThatIsBehindTheOthersGetsWhatTheyHaveAndTheyDoNot(t *testing.T) {
	t.Parallel()
	url, log, store := database(t), uuid.New(), newMemory()
	old, added := tally("counted", "a"), tally("added", "a")
	f, stop := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{old}})
	store.add(facts(1, 3000)...)
	waitFor(t, f, "a", 3000)
	stop()
	var seen told
	f, _ = start(t, Options{
		Store: store, Postgres: url, Log: log, Projections: []Projection{old, added}, Committed: seen.committed,
	})
	store.add(facts(3001, 5)...)
	waitFor(t, f, "a", 3005)
	conn := connect(t, url)
	checkTally(t, conn, old, 3005)
	checkTally(t, conn, added, 3005)
	seen.check(t, "a", 3001, 3005)
}

func TestARaisedVersionFillsNewTables(t *testing.T) {
	t.Parallel()
	url, log, store := database(t), uuid.New(), newMemory()
	p := tally("counted", "a")
	store.add(facts(1, 100)...)
	f, stop := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{p}})
	waitFor(t, f, "a", 100)
	stop()
	raised := p
	raised.Version = 2
	f, _ = start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{raised}})
	waitFor(t, f, "a", 100)
	conn := connect(t, url)
	for _, p := range []Projection{p, raised} {
		if n := number(t, conn, "select count(*) from "+Views([]Projection{p})+".counted"); n != 100 {
			t.Errorf("version %d shows %d rows of 100", p.Version, n)
		}
	}
	if s := f.Status()[0]; s.Generation != 2 || s.Version != 2 || s.Position != 100 {
		t.Errorf("status %+v", s)
	}
}

func TestAnotherLogBeginsNewTables(t *testing.T) {
	t.Parallel()
	url := database(t)
	p := tally("counted", "a")
	for i, n := range []int{50, 20} {
		store := newMemory()
		store.add(facts(1, n)...)
		f, stop := start(t, Options{Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{p}})
		waitFor(t, f, "a", events.Position(n))
		checkTally(t, connect(t, url), p, n)
		if g := f.Status()[0].Generation; g != int64(i+1) {
			t.Errorf("generation %d", g)
		}
		stop()
	}
}

func TestTwoNodesOnOneDatabaseCountNothingTwice(t *testing.T) {
	t.Parallel()
	url, log, store := database(t), uuid.New(), newMemory()
	p := tally("counted", "a")
	var seen [2]told
	var feeds [2]*Feed
	for i := range feeds {
		feeds[i], _ = start(t, Options{
			Store: store, Postgres: url, Log: log, Projections: []Projection{p}, Committed: seen[i].committed,
		})
	}
	waitFor(t, feeds[0], "a", 0)
	waitFor(t, feeds[1], "a", 0)
	for i := range 30 {
		store.add(facts(1+i*10, 10)...)
	}
	for i, f := range feeds {
		eventually(t, "both are there", func() bool { return f.Wait(patient(t), "a", 300) == nil })
		seen[i].check(t, "a", 1, 300)
	}
	checkTally(t, connect(t, url), p, 300)
}

func TestASlowGroupHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	url, store := database(t), newMemory()
	slow, quick := tally("slow", "slow"), tally("quick", "quick")
	f, _ := start(t, Options{Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{slow, quick}})
	waitFor(t, f, "slow", 0)
	conn := connect(t, url)
	tx, err := conn.Begin(patient(t))
	must(t, err)
	_, err = tx.Exec(patient(t), `lock table slow_g1.slow`)
	must(t, err)
	const n = 3 * queueEvents
	store.add(facts(1, n)...)
	waitFor(t, f, "quick", n)
	if p := f.Position("slow"); p >= n {
		t.Fatalf("slow is at %d although its table is locked", p)
	}
	must(t, tx.Rollback(patient(t)))
	waitFor(t, f, "slow", n)
	store.add(facts(n+1, 5)...)
	waitFor(t, f, "slow", n+5)
	checkTally(t, conn, slow, n+5)
	checkTally(t, conn, quick, n+5)
}

func TestWaitingEndsWithTheContextAndRefusesWhatIsNoGroup(t *testing.T) {
	t.Parallel()
	f, stop := start(t, Options{
		Store: newMemory(), Postgres: database(t), Log: uuid.New(), Projections: []Projection{tally("counted", "a")},
	})
	waitFor(t, f, "a", 0)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := f.Wait(ctx, "a", 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting ended with %v", err)
	}
	if err := f.Wait(ctx, "b", 0); err == nil {
		t.Error("waited for a group that is not there")
	}
	waiting := make(chan error)
	go func() { waiting <- f.Wait(patient(t), "a", 1) }()
	stop()
	if err := <-waiting; !errors.Is(err, ErrBehind) {
		t.Errorf("the end of the feed left a waiter with %v", err)
	}
}
