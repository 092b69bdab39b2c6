package engine

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// talk appends 200 messages a second until it is stopped, and reads each back as soon as it is waited for.
func talk(t *testing.T, store *spoken, f *Feed, conn *pgx.Conn, count string) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var talking sync.WaitGroup
	talking.Go(func() {
		for ctx.Err() == nil {
			last := store.say(1)
			if err := f.Wait(patient(t), "a", last); err != nil {
				t.Errorf("the served read model stands still: %v", err)
				return
			}
			var n int
			if err := conn.QueryRow(patient(t), count).Scan(&n); err != nil || n < store.n {
				t.Errorf("reads %d of %d own writes: %v", n, store.n, err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	return sync.OnceValue(func() int {
		cancel()
		talking.Wait()
		return store.n
	})
}

func TestARebuildThatIsCancelledAgainAndAgainUnderLoadHurtsNobodyAndGoesOn(t *testing.T) {
	t.Parallel()
	store, url, log := newLog(t), database(t), uuid.New()
	p := tally("counted", "a")
	o := Options{Store: store, Postgres: url, Log: log, Projections: []Projection{p}}
	f, _ := start(t, o)
	o.Logger = f.Logger
	waitFor(t, f, "a", store.say(3000))
	conn, reader := connect(t, url), connect(t, url)
	stop := talk(t, store, f, reader, "select count(*) from "+Views(o.Projections)+".counted")
	for range 15 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(60))*time.Millisecond)
		err := Rebuild(ctx, o, []string{"counted"}, nil)
		if deadline, _ := ctx.Deadline(); err != nil && time.Now().Before(deadline) { // which a dialler may notice before the context
			t.Fatal(err)
		}
		cancel()
	}
	must(t, Rebuild(patient(t), o, []string{"counted"}, nil))
	n := stop()
	if n < 3010 {
		t.Errorf("only %d messages", n)
	}
	rows := number(t, conn, "select count(*) from "+Views(o.Projections)+".counted")
	distinct := number(t, conn, "select count(distinct number) from "+Views(o.Projections)+".counted where number between 1 and $1", n)
	if rows != n || distinct != n {
		t.Errorf("%d rows for %d different ones of %d facts", rows, distinct, n)
	}
	eventually(t, "generations that nobody reads are dropped", func() bool {
		must(t, sweep(patient(t), conn))
		return number(t, conn, "select count(*) from pg_namespace where nspname like 'counted_g%'") == 1
	})
}

func TestARebuildGoesOnWhereAnEarlierOneEnded(t *testing.T) {
	t.Parallel()
	store, url := newLog(t), database(t)
	o := Options{Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{tally("counted", "a")}}
	f, _ := start(t, o)
	o.Logger = f.Logger
	waitFor(t, f, "a", store.say(5*batchEvents))
	ctx, cancel := context.WithCancel(t.Context())
	var reached events.Position
	err := Rebuild(ctx, o, nil, func(p Progress) {
		if p.Events > batchEvents && reached == 0 {
			reached = p.Position
			cancel()
		}
	})
	if err == nil {
		t.Fatal("the rebuild was not interrupted")
	}
	will, err := Intentions(patient(t), o, nil)
	must(t, err)
	if w := will[0]; w.Filled < reached || w.Resumed == 0 || w.Shown == 0 {
		t.Errorf("after %d an interrupted rebuild would go on as %+v", reached, w)
	}
	var first *Progress
	must(t, Rebuild(patient(t), o, nil, func(p Progress) {
		if first == nil {
			first = &p
		}
	}))
	if first.Position < reached {
		t.Errorf("the rebuild began anew at %d, not where it ended, at %d", first.Position, reached)
	}
	checkTally(t, connect(t, url), o.Projections[0], store.n)
}

func TestOnlyOneProcessFillsAGeneration(t *testing.T) {
	t.Parallel()
	store, url := newLog(t), database(t)
	o := Options{Store: store, Postgres: url, Log: uuid.New(), Projections: []Projection{tally("counted", "a")}}
	f, _ := start(t, o)
	o.Logger = f.Logger
	waitFor(t, f, "a", store.say(2*batchEvents))
	var second error
	must(t, Rebuild(patient(t), o, nil, func(p Progress) {
		if p.Stage == "indexes" {
			second = Rebuild(patient(t), o, nil, nil)
		}
	}))
	if !errors.Is(second, errElsewhere) {
		t.Errorf("the second rebuild ended with %v", second)
	}
}

func TestARebuildOfSeveralGroupsIsAsFarAsTheLast(t *testing.T) {
	t.Parallel()
	log := newLog(t)
	last := log.say(2 * batchEvents)
	ps := []Projection{tally("counted", "a"), tally("counted_too", "b")}
	apply := ps[1].Apply
	ps[1].Apply = func(w Writer, e events.Recorded) {
		w.Exec("select pg_sleep(0.0001)") // the slower one
		apply(w, e)
	}
	o := Options{Store: log, Postgres: database(t), Log: uuid.New(), Projections: ps, Logger: slog.New(slog.DiscardHandler)}
	done := 0
	var before Progress
	must(t, Rebuild(patient(t), o, nil, func(p Progress) {
		if len(p.Projections) != 2 || p.Position < before.Position || p.Stage == stageDone && p.Position < last {
			t.Errorf("after %+v it is at %+v", before, p)
		}
		if before = p; p.Stage == stageDone {
			done++
		}
	}))
	if done != 1 {
		t.Errorf("it was done %d times", done)
	}
	conn := connect(t, o.Postgres)
	for _, p := range ps {
		checkTally(t, conn, p, log.n)
	}
}

func TestARebuildNamesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	err := Rebuild(t.Context(), Options{Projections: []Projection{tally("counted", "a")}}, []string{"counted", "nonsense"}, nil)
	if err == nil || !strings.Contains(err.Error(), `"nonsense"`) || !strings.Contains(err.Error(), "counted") {
		t.Errorf("%v", err)
	}
}

// doubling is a row of a tally whose second version has another column.
type doubling struct {
	counting
	Doubled int `db:"doubled"`
}

// raised is that tally.
func raised() Projection {
	table := NewTable[doubling]("counted")
	p := tally("counted", "a")
	p.Version = 2
	p.Tables = "create table counted (id uuid primary key, number bigint not null, doubled bigint not null)"
	p.Apply = func(w Writer, e events.Recorded) {
		table.Insert(w, doubling{counting{uuid.New(), numberOf(e)}, 2 * numberOf(e)})
	}
	return p
}

func TestABuildWithARaisedVersionStartsBesideAnOlderOneAndBothAnswerAllTheTime(t *testing.T) {
	t.Parallel()
	store, url, log := newLog(t), database(t), uuid.New()
	older, newer := []Projection{tally("counted", "a")}, []Projection{raised()}
	old, _ := start(t, Options{Store: store, Postgres: url, Log: log, Projections: older})
	waitFor(t, old, "a", store.say(20*batchEvents))
	conn := connect(t, url)
	stop := talk(t, store, old, connect(t, url), "select count(*) from "+Views(older)+".counted")
	f, _ := start(t, Options{Store: store, Postgres: url, Log: log, Projections: newer})
	// What the newer build needs is not in the older rows: it shows nothing until it has caught up, and then everything.
	waitFor(t, f, "a", 1)
	seen := 0
	for range 50 {
		n := number(t, conn, "select count(*) from "+Views(newer)+".counted where doubled = 2 * number")
		if n < seen || n < 20*batchEvents {
			t.Fatalf("%d rows after %d", n, seen)
		}
		seen = n
		waitFor(t, f, "a", old.Position("a"))
	}
	n := stop()
	waitFor(t, f, "a", old.Position("a"))
	if rows := number(t, conn, "select count(*) from "+Views(newer)+".counted"); rows != n {
		t.Errorf("the newer build shows %d of %d", rows, n)
	}
}

func TestWhereTheColumnsAreTheSameTheOlderVersionServesUntilTheNewOneHasCaughtUp(t *testing.T) {
	t.Parallel()
	store, url, log := newLog(t), database(t), uuid.New()
	older := []Projection{tally("counted", "a")}
	old, _ := start(t, Options{Store: store, Postgres: url, Log: log, Projections: older})
	waitFor(t, old, "a", store.say(100))
	slow := tally("counted", "a")
	slow.Version = 2
	apply, release := slow.Apply, make(chan struct{})
	slow.Apply = func(w Writer, e events.Recorded) {
		<-release
		apply(w, e)
	}
	f, _ := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{slow}})
	conn := connect(t, url)
	for range 10 {
		waitFor(t, f, "a", store.say(1)) // projected by the older build
		if n := number(t, conn, "select count(*) from "+Views([]Projection{slow})+".counted"); n < store.n {
			t.Fatalf("%d of %d rows", n, store.n)
		}
	}
	if s := f.Status()[0]; s.Version != 1 || s.Filling != 2 {
		t.Errorf("%+v", s)
	}
	close(release)
	eventually(t, "the raised version is shown", func() bool { return f.Status()[0].Version == 2 })
	waitFor(t, f, "a", store.say(1))
	if n := number(t, conn, "select count(*) from "+Views([]Projection{slow})+".counted"); n != store.n {
		t.Fatalf("%d of %d rows", n, store.n)
	}
}

// While keys are lost the rows may be the last place where a text is legible: nothing that is filled takes their place.
func TestNothingThatIsFilledWhileKeysAreLostIsShownInsteadOfWhatIsThere(t *testing.T) {
	t.Parallel()
	store, url, log := newLog(t), database(t), uuid.New()
	f, stopOlder := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{tally("counted", "a")}})
	raised := tally("counted", "a")
	raised.Version = 2
	o := Options{Store: store, Postgres: url, Log: log, Projections: []Projection{raised}}
	lost, asked := errors.New("keys are lost"), make(chan struct{}, 100)
	withoutKeys := o
	withoutKeys.Legible = func(context.Context) error { asked <- struct{}{}; return lost }
	waitFor(t, f, "a", store.say(10)) // its rows are shown
	f, stop := start(t, withoutKeys)
	<-asked                           // the new rows are filled
	waitFor(t, f, "a", store.say(10)) // projected by the older build
	if s := f.Status()[0]; s.Version != 1 {
		t.Errorf("%+v", s)
	}
	stop()
	stopOlder()
	if n := number(t, connect(t, url), "select count(*) from annals.generations where version = 2 and not retired"); n != 0 {
		t.Errorf("%d fillings without the keys are left", n)
	}
	f, _ = start(t, o)
	eventually(t, "the raised version is shown", func() bool { return f.Status()[0].Version == 2 })
}

func TestTheReadModelsOfABuildThatIsGoneAreDroppedAfterADay(t *testing.T) {
	t.Parallel()
	store, url, log := newLog(t), database(t), uuid.New()
	gone, running := []Projection{tally("counted", "a")}, []Projection{raised()}
	for _, ps := range [][]Projection{gone, running} {
		f, stop := start(t, Options{Store: store, Postgres: url, Log: log, Projections: ps})
		waitFor(t, f, "a", store.say(10))
		stop()
	}
	conn := connect(t, url)
	there := func(views string) int {
		must(t, sweep(patient(t), conn))
		return number(t, conn, "select count(*) from pg_namespace where nspname = $1", views)
	}
	if there(Views(gone)) != 1 {
		t.Fatal("dropped although somebody may go back to it")
	}
	_, err := conn.Exec(patient(t), `update annals.readers set seen = now() - interval '25 hours' where views = $1`, Views(gone))
	must(t, err)
	if there(Views(gone)) != 0 || there("counted_g1") != 0 {
		t.Error("still there after a day")
	}
	if there(Views(running)) != 1 || there("counted_g2") != 1 {
		t.Error("what is in use was dropped")
	}
}

// Commands and nodes that make their bookkeeping at once do not fail one another.
func TestSessionsThatMakeTheBookkeepingAtOnceAllSucceed(t *testing.T) {
	t.Parallel()
	url := database(t)
	var working sync.WaitGroup
	for i := range 6 {
		conn := connect(t, url)
		working.Go(func() {
			for range 20 {
				if _, err := conn.Exec(patient(t), []string{bookkeeping, pasts}[i%2], pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
}
