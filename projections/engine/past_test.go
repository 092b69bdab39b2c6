package engine

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/google/uuid"

	"annals/events"
)

// pastOf is what is filled from a log until its end.
func pastOf(store *spoken, url, schema string) PastOptions {
	ps := []Projection{tally("counted", "a"), tally("again", "b")}
	return PastOptions{
		Postgres: url, Past: Past{Schema: schema, Log: uuid.Nil, Until: "now", Views: Views(ps)}, Projections: ps,
		Read: func(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
			return store.ReadAll(ctx, after, events.Forwards, events.Filter{})
		},
	}
}

// goOn fills a past once PostgreSQL has noticed that the process before is gone.
func goOn(t *testing.T, o PastOptions) (err error) {
	t.Helper()
	eventually(t, "the lock is free", func() bool {
		err = FillPast(patient(t), o, func(Progress) {})
		return !errors.Is(err, errElsewhere)
	})
	return err
}

func TestAPastThatWasInterruptedIsGoneOnWithWhereItWas(t *testing.T) {
	t.Parallel()
	store, url := newLog(t), database(t)
	store.say(5*batchEvents + 7)
	conn := connect(t, url)
	o := pastOf(store, url, "audit")
	ctx, cancel := context.WithCancel(t.Context())
	err := FillPast(ctx, o, func(p Progress) {
		if p.Events > 2*batchEvents {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("it was not interrupted")
	}
	half, err := FindPast(patient(t), conn, "audit")
	must(t, err)
	if half.Ready || half.Position == 0 {
		t.Fatalf("an interrupted past is %+v", half)
	}
	if n := number(t, conn, `select count(*) from audit.counted`); n == 0 || n >= store.n {
		t.Fatalf("%d of %d rows when it was interrupted", n, store.n)
	}
	other := o
	other.Until = "then"
	if err := goOn(t, other); !errors.Is(err, ErrOtherPast) {
		t.Errorf("another moment in the same schema: %v", err)
	}
	var from events.Position
	read := o.Read
	o.Read = func(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
		from = after
		return read(ctx, after)
	}
	must(t, goOn(t, o))
	if from < half.Position {
		t.Errorf("it began anew at %d, not at %d", from, half.Position)
	}
	for _, table := range []string{"counted", "again"} {
		if n := number(t, conn, `select count(*) from audit.`+table); n != store.n || number(t, conn, `select count(distinct number) from audit.`+table) != n {
			t.Errorf("%d rows of %s for %d facts", n, table, store.n)
		}
	}
	if whole, err := FindPast(patient(t), conn, "audit"); err != nil || !whole.Ready {
		t.Errorf("%+v, %v", whole, err)
	}
}

// A log goes on behind a past that ends by time: the head that is known before is not where the past ends.
func TestTheProgressOfAPastEndsWhereItEnds(t *testing.T) {
	t.Parallel()
	store, url := newLog(t), database(t)
	store.say(10)
	o := pastOf(store, url, "audit")
	o.Head = 1000
	var last Progress
	must(t, FillPast(patient(t), o, func(p Progress) { last = p }))
	if last.Stage != "done" || last.Position != last.Head || last.Position == 0 {
		t.Errorf("it ends with %+v", last)
	}
}

func TestOnlyOneProcessFillsAPast(t *testing.T) {
	t.Parallel()
	store, url := newLog(t), database(t)
	store.say(10)
	var second error
	must(t, FillPast(patient(t), pastOf(store, url, "audit"), func(p Progress) {
		if p.Stage == "indexes" {
			second = FillPast(patient(t), pastOf(store, url, "audit"), func(Progress) {})
		}
	}))
	if !errors.Is(second, errElsewhere) {
		t.Errorf("the second ended with %v", second)
	}
}
