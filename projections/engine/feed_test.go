package engine

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
	url, log, store := database(t), uuid.New(), newLog(t)
	p := tally("counted", "a")
	var first, second told
	store.say(1000)
	f, stop := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{p}, Committed: first.committed})
	waitFor(t, f, "a", store.say(1500))
	first.check(t, "a", 1001, 2500)
	stop()
	f, _ = start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{p}, Committed: second.committed})
	waitFor(t, f, "a", store.say(10))
	checkTally(t, connect(t, url), p, 2510)
	second.check(t, "a", 2501, 2510)
}

func TestEachFactCountsOnceHoweverOftenConnectionsAreCut(t *testing.T) {
	t.Parallel()
	url, store := database(t), newLog(t)
	a, b := tally("counted", "a"), tally("counted_too", "b")
	var seen told
	f, _ := start(t, Options{
		Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{a, b}, Committed: seen.committed,
	})
	conn := connect(t, url)
	var last events.Position
	for round := range 120 {
		last = store.say(1 + rand.IntN(200))
		switch {
		case round%4 == 0:
			number(t, conn, disconnectFeeds)
		case round%40 == 1:
			store.Restart()
		case round%4 == 3:
			waitThrough(t, f, "a", last)
		}
	}
	for _, p := range []Projection{a, b} {
		waitThrough(t, f, p.Group, last)
		checkTally(t, conn, p, store.n)
		seen.check(t, p.Group, 1, store.n)
	}
}

func TestFactsAreObservedOnceBeforeTheyAreCommitted(t *testing.T) {
	t.Parallel()
	url, store := database(t), newLog(t)
	var (
		mu       sync.Mutex
		observed []int
		late     int
	)
	f, _ := start(t, Options{
		Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{tally("counted", "a")},
		Observe: func(e events.Recorded) {
			mu.Lock()
			defer mu.Unlock()
			observed = append(observed, numberOf(e))
		},
		Committed: func(_ string, batch []events.Recorded, _ events.Position) {
			mu.Lock()
			defer mu.Unlock()
			if n := numberOf(batch[len(batch)-1]); len(observed) < n {
				late = n
			}
		},
	})
	conn := connect(t, url)
	for range 20 {
		last := store.say(100)
		number(t, conn, disconnectFeeds)
		waitThrough(t, f, "a", last)
	}
	mu.Lock()
	defer mu.Unlock()
	if late > 0 {
		t.Fatalf("%d was committed before it was observed", late)
	}
	if len(observed) != 2000 {
		t.Fatalf("observed %d of 2000 facts", len(observed))
	}
	for i, n := range observed {
		if n != i+1 {
			t.Fatalf("observed %d where %d was due", n, i+1)
		}
	}
}

// With synchronous_commit off, a server that crashed comes back with less.
func TestWhatACrashTookIsCommittedAgainAndToldOnce(t *testing.T) {
	t.Parallel()
	url, store := database(t), newLog(t)
	p := tally("counted", "a")
	var seen told
	f, _ := start(t, Options{Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{p}, Committed: seen.committed})
	kept := store.say(60)
	waitFor(t, f, "a", store.say(40))
	conn := connect(t, url)
	lose := func(tx pgx.Tx) error {
		if _, err := tx.Exec(patient(t), `update annals.generations set position = $1`, int64(kept)); err != nil {
			return err
		}
		_, err := tx.Exec(patient(t), `delete from counted_g1.counted where number > 60`)
		return err
	}
	must(t, pgx.BeginFunc(patient(t), conn, lose))
	number(t, conn, disconnectFeeds)
	eventually(t, "the rows are back", func() bool { return number(t, conn, "select count(*) from counted_g1.counted") == 100 })
	waitThrough(t, f, "a", store.say(1))
	checkTally(t, conn, p, 101)
	seen.check(t, "a", 1, 101)
}

// The connections stay, and nothing is recorded meanwhile.
func TestReadModelsThatWereRestoredFromADumpAreCaughtUpWithTheLog(t *testing.T) {
	t.Parallel()
	url, store := database(t), newLog(t)
	p := tally("counted", "a")
	f, _ := start(t, Options{Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{p}})
	dumped := store.say(60)
	waitFor(t, f, "a", store.say(40))
	conn := connect(t, url)
	must(t, pgx.BeginFunc(patient(t), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(patient(t), `update annals.generations set position = $1`, int64(dumped)); err != nil {
			return err
		}
		_, err := tx.Exec(patient(t), `delete from counted_g1.counted where number > 60`)
		return err
	}))
	eventually(t, "the rows are back", func() bool { return number(t, conn, "select count(*) from counted_g1.counted") == 100 })
	waitThrough(t, f, "a", store.say(1))
	checkTally(t, conn, p, 101)
}

func TestAProjectionThatIsBehindTheOthersGetsWhatTheyHaveAndTheyDoNot(t *testing.T) {
	t.Parallel()
	url, log, store := database(t), uuid.New(), newLog(t)
	old, added := tally("counted", "a"), tally("added", "a")
	f, stop := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{old}})
	waitFor(t, f, "a", store.say(3000))
	stop()
	var seen told
	f, _ = start(t, Options{
		Store: store, Postgres: url, Log: log, Projections: []Projection{old, added}, Committed: seen.committed,
	})
	waitFor(t, f, "a", store.say(5))
	conn := connect(t, url)
	checkTally(t, conn, old, 3005)
	checkTally(t, conn, added, 3005)
	seen.check(t, "a", 3001, 3005)
}

func TestARaisedVersionFillsNewTables(t *testing.T) {
	t.Parallel()
	url, log, store := database(t), uuid.New(), newLog(t)
	p := tally("counted", "a")
	last := store.say(100)
	f, stop := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{p}})
	waitFor(t, f, "a", last)
	stop()
	raised := p
	raised.Version = 2
	f, _ = start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{raised}})
	eventually(t, "the new generation is shown", func() bool { return f.Status()[0].Generation == 2 })
	conn := connect(t, url)
	for _, p := range []Projection{p, raised} {
		if n := number(t, conn, "select count(*) from "+Views([]Projection{p})+".counted"); n != 100 {
			t.Errorf("version %d shows %d rows of 100", p.Version, n)
		}
	}
	if s := f.Status()[0]; s.Generation != 2 || s.Version != 2 || s.Position != last {
		t.Errorf("status %+v", s)
	}
}

func TestAnotherLogBeginsNewTables(t *testing.T) {
	t.Parallel()
	url := database(t)
	p := tally("counted", "a")
	for i, n := range []int{50, 20} {
		store := newLog(t)
		last := store.say(n)
		f, stop := start(t, Options{Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{p}})
		waitFor(t, f, "a", last)
		checkTally(t, connect(t, url), p, n)
		if g := f.Status()[0].Generation; g != int64(i+1) {
			t.Errorf("generation %d", g)
		}
		stop()
	}
}

func TestTwoNodesOnOneDatabaseCountNothingTwice(t *testing.T) {
	t.Parallel()
	url, log, store := database(t), uuid.New(), newLog(t)
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
	var last events.Position
	for range 30 {
		last = store.say(10)
	}
	for i, f := range feeds {
		waitThrough(t, f, "a", last)
		seen[i].check(t, "a", 1, 300)
	}
	checkTally(t, connect(t, url), p, 300)
}

func TestASlowGroupHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	url, store := database(t), newLog(t)
	slow, quick := tally("slow", "slow"), tally("quick", "quick")
	f, _ := start(t, Options{Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{slow, quick}})
	waitFor(t, f, "slow", 0)
	conn := connect(t, url)
	tx, err := conn.Begin(patient(t))
	must(t, err)
	_, err = tx.Exec(patient(t), `lock table slow_g1.slow`)
	must(t, err)
	const n = 3 * queueEvents
	last := store.say(n)
	waitFor(t, f, "quick", last)
	if p := f.Position("slow"); p >= last {
		t.Fatalf("slow is at %d although its table is locked", p)
	}
	must(t, tx.Rollback(patient(t)))
	waitFor(t, f, "slow", last)
	last = store.say(5)
	waitFor(t, f, "slow", last)
	waitFor(t, f, "quick", last)
	checkTally(t, conn, slow, n+5)
	checkTally(t, conn, quick, n+5)
}

func TestWaitingEndsWithTheContextAndRefusesWhatIsNoGroup(t *testing.T) {
	t.Parallel()
	f, stop := start(t, Options{
		Store: newLog(t), Postgres: database(t), Log: uuid.New(), Projections: []Projection{tally("counted", "a")},
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

func TestWhatIsReadTogetherIsToldOnceEveryGroupHasIt(t *testing.T) {
	t.Parallel()
	url, store := database(t), newLog(t)
	quick, slow := tally("counted", "a"), tally("counted_too", "b")
	held := make(chan struct{})
	apply := slow.Apply
	slow.Apply = func(w Writer, e events.Recorded) { <-held; apply(w, e) }
	var apart, together told
	f, _ := start(t, Options{
		Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{quick, slow}, Committed: apart.committed,
		Together: []string{"a", "b"},
		Readable: func(batch []events.Recorded, upTo events.Position) { together.committed("both", batch, upTo) },
	})
	last := store.say(20)
	apart.check(t, "a", 1, 20)
	if n := together.count("both"); n != 0 {
		t.Errorf("%d facts were told that the slow group has yet to commit", n)
	}
	close(held)
	waitFor(t, f, "b", last)
	together.check(t, "both", 1, 20)
}
