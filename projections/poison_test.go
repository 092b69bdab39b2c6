package projections

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"annals/events"
)

// poisoned is a tally that cannot take position 7.
func poisoned(name string, at7 func(q *pgx.Batch)) Projection {
	p := tally(name, name)
	whole := p.Apply
	p.Apply = func(q *pgx.Batch, e events.Recorded) {
		if e.Position == 7 {
			at7(q)
		}
		whole(q, e)
	}
	return p
}

func TestAFactThatAProjectionCannotTakeStopsItsGroupAloneAndIsNamed(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		at7  func(q *pgx.Batch)
		says string
	}{
		"panics":   {func(*pgx.Batch) { panic("no such thing") }, "no such thing"},
		"breaks":   {func(q *pgx.Batch) { q.Queue("select 1/0") }, "division by zero"},
		"misspelt": {func(q *pgx.Batch) { q.Queue("selct 1") }, "syntax error"},
		"unsent":   {func(q *pgx.Batch) { q.Queue("select $1::integer", "seven") }, "seven"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, log, store := database(t), uuid.New(), newMemory()
			healthy, ill := tally("healthy", "healthy"), poisoned("ill", c.at7)
			store.add(facts(1, 20)...)
			f, stop := start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{ill, healthy}})
			waitFor(t, f, "healthy", 20)
			checkStopped(t, f, "ill", 6, "MessageSubmitted", "position 7", c.says)
			waitFor(t, f, "ill", 6)
			store.add(facts(21, 1)...)
			waitFor(t, f, "healthy", 21)
			if s := f.Status()[1]; s.Stopped != "" {
				t.Errorf("the healthy one stopped: %s", s.Stopped)
			}
			conn := connect(t, url)
			checkTally(t, conn, ill, 6)
			stop()
			healed := tally("ill", "ill")
			f, _ = start(t, Options{Store: store, Postgres: url, Log: log, Projections: []Projection{healed, healthy}})
			waitFor(t, f, "ill", 21)
			checkTally(t, conn, healed, 21)
			checkTally(t, conn, healthy, 21)
		})
	}
}

func TestAnEventThatThisBuildDoesNotKnowIsNeverSkipped(t *testing.T) {
	t.Parallel()
	store := newMemory()
	all := facts(1, 5)
	all[2].Event = events.Unknown{Type: "PigeonReleased", Reason: errors.New("this build does not know the type")}
	store.add(all...)
	f, _ := start(t, Options{Store: store, Postgres: database(t), Log: uuid.New(), Projections: []Projection{tally("counted", "a")}})
	checkStopped(t, f, "a", 2, "PigeonReleased", "position 3", "does not know the type")
}

func checkStopped(t *testing.T, f *Feed, group string, at events.Position, says ...string) {
	t.Helper()
	err := f.Wait(patient(t), group, at+1)
	if !errors.Is(err, ErrBehind) {
		t.Fatalf("waiting for a group that cannot go on: %v", err)
	}
	for _, s := range f.Status() {
		if s.Group == group {
			contains(t, s.Stopped, says...)
			if s.Position != at {
				t.Errorf("stopped at %d, not %d", s.Position, at)
			}
		}
	}
}
