package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/deploy/postgres"
	"annals/deploy/postgres/pgtest"
	"annals/events"
)

func TestAFeedOutlivesPostgresAndSaysSoMeanwhile(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t) + "/postgres"
	cluster := pgtest.Start(t, dir)
	store, p := newLog(t), tally("counted", "a")
	var seen told
	f, _ := start(t, Options{
		Store: store, Postgres: cluster.URL(), Log: uuid.New(), Projections: []Projection{p}, Committed: seen.committed,
	})
	waitFor(t, f, "a", store.say(100))
	must(t, cluster.Stop(patient(t)))
	waitForStandstill(t, f)
	last := store.say(100)
	if err := f.Wait(patient(t), "a", last); !errors.Is(err, ErrBehind) {
		t.Errorf("waiting while PostgreSQL is away: %v", err)
	}
	contains(t, f.Status()[0].Stopped, "PostgreSQL is away")
	cluster = pgtest.Start(t, dir)
	waitThrough(t, f, "a", last)
	if s := f.Status()[0].Stopped; s != "" {
		t.Errorf("still stopped: %s", s)
	}
	kill(t, cluster)
	waitForStandstill(t, f)
	last = store.say(100)
	cluster = pgtest.Start(t, dir)
	waitThrough(t, f, "a", last)
	checkTally(t, connect(t, cluster.URL()), p, 300)
	seen.check(t, "a", 1, 300)
}

func kill(t *testing.T, c *postgres.Cluster) {
	t.Helper()
	p, err := os.FindProcess(c.PID())
	must(t, err)
	must(t, p.Kill())
	must(t, c.Stop(patient(t)))
}

// waitForStandstill waits until an idle feed has noticed that PostgreSQL is away.
func waitForStandstill(t *testing.T, f *Feed) {
	t.Helper()
	eventually(t, "the feed has noticed", func() bool { return f.Status()[0].Stopped != "" })
}

func TestACommitWhoseAnswerWasLostIsToldOnceAndNotRepeated(t *testing.T) {
	t.Parallel()
	url := database(t)
	b, through := pgtest.NewBetween(t, url)
	store, p := newLog(t), tally("counted", "a")
	var seen told
	f, _ := start(t, Options{Store: store, Postgres: through, Log: uuid.New(), Projections: []Projection{p}, Committed: seen.committed})
	conn := connect(t, url)
	const few = joinedRows - 1             // always the same statement
	waitThrough(t, f, "a", store.say(few)) // the tables are filled and shown
	for range 5 {
		waitThrough(t, f, "a", store.say(few)) // which prepares the statements on a new connection
		b.KeepAnswers(true)
		last := store.say(few)
		eventually(t, "rows are there, of the first batch at least", func() bool {
			return number(t, conn, "select count(*) from counted_g1.counted") > store.n-few
		})
		if f.Position("a") >= last {
			t.Fatal("the answer was not lost")
		}
		b.Cut()
		b.KeepAnswers(false)
		waitThrough(t, f, "a", last)
	}
	checkTally(t, conn, p, store.n)
	seen.check(t, "a", 1, store.n)
}

// A node that cannot speak is as good as dead. One that stands in the middle of a transaction holds up nobody either.
func TestAnotherNodeTakesOverFromOneThatIsCutOff(t *testing.T) {
	t.Parallel()
	url, log := database(t), uuid.New()
	b, through := pgtest.NewBetween(t, url)
	store, p := newLog(t), tally("counted", "a")
	var seen [2]told
	o := Options{Store: store, Postgres: through, Log: log, Projections: []Projection{p}, Committed: seen[0].committed}
	first, _ := start(t, o)
	waitThrough(t, first, "a", store.say(10))
	o.Postgres, o.Committed = url, seen[1].committed
	second, _ := start(t, o)
	waitThrough(t, second, "a", store.say(10))
	conn := connect(t, url)
	held := connect(t, url) // as the first's connection in the middle of a commit
	_, err := held.Exec(patient(t), writing, []int64{1})
	must(t, err)
	_, err = held.Exec(patient(t), "begin; select from annals.generations for update", pgx.QueryExecModeSimpleProtocol)
	must(t, err)
	b.Stall(true)
	last := store.say(10)
	waitThrough(t, second, "a", last)
	waitForStandstill(t, first)
	if err := first.Wait(patient(t), "a", last); !errors.Is(err, ErrBehind) {
		t.Errorf("waiting at a node that is cut off: %v", err)
	}
	b.Stall(false)
	waitThrough(t, first, "a", last)
	checkTally(t, conn, p, store.n)
	for i := range seen {
		eventually(t, "everything is told", func() bool { return seen[i].count("a") == store.n-10*i })
	}
}

// A process that is frozen or cut off while it fills gives up its locks; what it had begun to write holds up nobody.
func TestAnotherProcessGoesOnWithAFillingThatIsCutOff(t *testing.T) {
	t.Parallel()
	url := database(t)
	b, through := pgtest.NewBetween(t, url)
	store, p := newLog(t), tally("counted", "a")
	store.say(3 * batchEvents)
	o := Options{Store: store, Postgres: through, Log: uuid.New(), Projections: []Projection{p}, Logger: slog.New(slog.DiscardHandler)}
	reached := make(chan struct{})
	cut := sync.OnceFunc(func() { b.Stall(true); close(reached) })
	ended := make(chan error, 1)
	go func() {
		ended <- Rebuild(patient(t), o, nil, func(p Progress) {
			if p.Events >= batchEvents {
				cut()
			}
		})
	}()
	<-reached
	held := connect(t, url) // as its connection in the middle of a commit
	_, err := held.Exec(patient(t), writing, []int64{1})
	must(t, err)
	_, err = held.Exec(patient(t), "begin; select from annals.generations for update", pgx.QueryExecModeSimpleProtocol)
	must(t, err)
	o.Postgres = url
	began := time.Now()
	eventually(t, "another process fills it", func() bool { return Rebuild(patient(t), o, nil, nil) == nil })
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it was taken over after %v", took)
	}
	b.Stall(false)
	if err := <-ended; err == nil {
		t.Error("the one that was cut off knows nothing of it")
	}
	checkTally(t, connect(t, url), p, store.n)
}

// gatedStore is a store that a process is cut off from at times: nothing is answered, and no event comes.
type gatedStore struct {
	events.Store
	mu   sync.Mutex
	shut chan struct{} // closed when it is open again; nil while it is
}

func (g *gatedStore) cutOff(is bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case is:
		g.shut = make(chan struct{})
	case g.shut != nil:
		close(g.shut)
		g.shut = nil
	}
}

func (g *gatedStore) pass(ctx context.Context) error {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut == nil {
		return nil
	}
	select {
	case <-shut:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", events.ErrUnavailable, ctx.Err())
	}
}

func (g *gatedStore) Head(ctx context.Context) (events.Position, error) {
	if err := g.pass(ctx); err != nil {
		return 0, err
	}
	return g.Store.Head(ctx)
}

func (g *gatedStore) Subscribe(ctx context.Context, after events.Position, f events.Filter) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for e, err := range g.Store.Subscribe(ctx, after, f) {
			if g.pass(ctx) != nil || !yield(e, err) {
				return
			}
		}
	}
}

// PostgreSQL sees nothing of a node that is cut off from the event store alone.
func TestAnotherNodeTakesOverFromOneThatIsCutOffFromTheEventStore(t *testing.T) {
	t.Parallel()
	url, store, p := database(t), newLog(t), tally("counted", "a")
	gate := &gatedStore{Store: store}
	o := Options{Store: gate, Postgres: url, Log: uuid.New(), Projections: []Projection{p}}
	first, _ := start(t, o)
	waitThrough(t, first, "a", store.say(10))
	o.Store = store
	second, stop := start(t, o)
	gate.cutOff(true)
	last := store.say(10)
	began := time.Now()
	waitThrough(t, second, "a", last)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the other node took over after %v", took)
	}
	gate.cutOff(false)
	stop() // the first has to project again
	waitThrough(t, first, "a", store.say(10))
	checkTally(t, connect(t, url), p, store.n)
}

func TestAnotherProcessGoesOnWithAFillingThatIsCutOffFromTheEventStore(t *testing.T) {
	t.Parallel()
	url, store, p := database(t), newLog(t), tally("counted", "a")
	store.say(3 * batchEvents)
	gate := &gatedStore{Store: store}
	o := Options{Store: gate, Postgres: url, Log: uuid.New(), Projections: []Projection{p}, Logger: slog.New(slog.DiscardHandler)}
	reached := make(chan struct{})
	cut := sync.OnceFunc(func() { gate.cutOff(true); close(reached) })
	ended := make(chan error, 1)
	go func() {
		ended <- Rebuild(patient(t), o, nil, func(p Progress) {
			if p.Events >= batchEvents {
				cut()
			}
		})
	}()
	<-reached
	o.Store = store
	eventually(t, "another process fills it", func() bool { return Rebuild(patient(t), o, nil, nil) == nil })
	gate.cutOff(false)
	must(t, <-ended) // it finds that nothing is left to do
	checkTally(t, connect(t, url), p, store.n)
}
