package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/google/uuid"

	"annals/events"
)

// poisoned is a tally that cannot take the seventh fact.
func poisoned(name string, at7 func(w Writer)) Projection {
	p := tally(name, name)
	whole := p.Apply
	p.Apply = func(w Writer, e events.Recorded) {
		if numberOf(e) == 7 {
			at7(w)
		}
		whole(w, e)
	}
	return p
}

func TestAFactThatAProjectionCannotTakeStopsItsGroupAloneAndIsNamed(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		at7  func(w Writer)
		says string
	}{
		"panics":   {func(Writer) { panic("no such thing") }, "no such thing"},
		"breaks":   {func(w Writer) { w.Exec("select 1/0") }, "division by zero"},
		"misspelt": {func(w Writer) { w.Exec("selct 1") }, "syntax error"},
		"unsent":   {func(w Writer) { w.Exec("select $1::integer", "seven") }, "seven"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, log, store := database(t), uuid.New(), newLog(t)
			healthy, ill := tally("healthy", "healthy"), poisoned("ill", c.at7)
			good := store.say(6)
			bad := store.say(1)
			last := store.say(13)
			f, stop := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{ill, healthy}})
			waitFor(t, f, "healthy", last)
			checkStopped(t, f, "ill", good, bad, "MessageSubmitted", c.says)
			waitFor(t, f, "ill", good)
			last = store.say(1)
			waitFor(t, f, "healthy", last)
			if s := f.Status()[1]; s.Stopped != "" {
				t.Errorf("the healthy one stopped: %s", s.Stopped)
			}
			conn := connect(t, url)
			checkTally(t, conn, ill, 6)
			stop()
			healed := tally("ill", "ill")
			f, _ = start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{healed, healthy}})
			waitFor(t, f, "ill", last)
			checkTally(t, conn, healed, 21)
			checkTally(t, conn, healthy, 21)
		})
	}
}

// newer is a log with one event that only a newer build knows.
type newer struct {
	events.Store
	at events.Position
}

func (n newer) Subscribe(ctx context.Context, after events.Position, f events.Filter) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for e, err := range n.Store.Subscribe(ctx, after, f) {
			if e.Position == n.at {
				e.Event = events.Unknown{Type: "PigeonReleased", Reason: errors.New("this build does not know the type")}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func TestAnEventThatThisBuildDoesNotKnowIsNeverSkipped(t *testing.T) {
	t.Parallel()
	store := newLog(t)
	good := store.say(2)
	bad := store.say(1)
	store.say(2)
	f, _ := start(t, Options{
		Store: newer{store, bad}, Postgres: database(t), Log: uuid.New(), Projections: []Projection{tally("counted", "a")},
	})
	checkStopped(t, f, "a", good, bad, "PigeonReleased", "does not know the type")
}

func checkStopped(t *testing.T, f *Feed, group string, good, bad events.Position, says ...string) {
	t.Helper()
	err := f.Wait(patient(t), group, bad)
	if !errors.Is(err, ErrBehind) {
		t.Fatalf("waiting for a group that cannot go on: %v", err)
	}
	for _, s := range f.Status() {
		if s.Group == group {
			contains(t, s.Stopped, append(says, fmt.Sprintf("position %d", bad))...)
			if s.Position != good {
				t.Errorf("stopped at %d, not %d", s.Position, good)
			}
		}
	}
}

func TestANewerBuildGoesOnFromTheEventThatAnOlderOneDoesNotKnow(t *testing.T) {
	t.Parallel()
	store, url, log := newLog(t), database(t), uuid.New()
	p := tally("counted", "a")
	f, stop := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{p}})
	good := store.say(2)
	waitFor(t, f, "a", good)
	stop()
	bad := store.say(1)
	var seen told
	old, _ := start(t, Options{Store: newer{store, bad}, Postgres: url, Log: log, Projections: []Projection{p}})
	checkStopped(t, old, "a", good, bad, "PigeonReleased")
	f, _ = start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{p}, Committed: seen.committed})
	waitThrough(t, f, "a", bad)
	last := store.say(5)
	waitThrough(t, f, "a", last)
	waitThrough(t, old, "a", last) // it can follow what it could not project
	if s := old.Status()[0]; s.Stopped != "" || s.Position != last {
		t.Errorf("the older build says %+v", s)
	}
	checkTally(t, connect(t, url), p, 8)
	seen.check(t, "a", 4, 8)
}

func TestTheReasonIsKnownToEveryNode(t *testing.T) {
	t.Parallel()
	store, url, log := newLog(t), database(t), uuid.New()
	good := store.say(2)
	bad := store.say(1)
	for range 2 {
		f, _ := start(t, Options{
			Store: newer{store, bad}, Postgres: url, Log: log, Projections: []Projection{tally("counted", "a")},
		})
		eventually(t, "the node has noticed", func() bool { return f.Status()[0].Stopped != "" })
		checkStopped(t, f, "a", good, bad, "PigeonReleased")
	}
}
