package chain

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/esdb/esdbtest"
)

// sayIn records that something was said.
func sayIn(log *esdbtest.Log) events.Position {
	id := uuid.New()
	return log.Record(events.MessageStream(id), time.Now(), events.MessageSubmitted{MessageID: id, ChannelID: uuid.New(), Content: "said"})
}

// growingLog grows between a look at its end and the reading of the rest.
type growingLog struct {
	*esdbtest.Log
	last events.Position
}

func (g *growingLog) Head(ctx context.Context) (events.Position, error) {
	head, err := g.Log.Head(ctx)
	sayIn(g.Log)
	g.last = sayIn(g.Log)
	return head, err
}

func TestALogThatGrowsWhileItIsWrittenDownIsNotTakenForShort(t *testing.T) {
	log := &growingLog{Log: esdbtest.New(t)}
	w := HeadWriter{Path: filepath.Join(t.TempDir(), "chain"), ID: uuid.New(), Log: log, Now: time.Now}
	for range 3 {
		sayIn(log.Log)
		if err := w.Extend(t.Context()); err != nil || w.Last != log.last {
			t.Fatalf("written down to %d of %d: %v", w.Last, log.last, err)
		}
	}
	resumed := HeadWriter{Path: w.Path, ID: w.ID, Log: log.Log, Now: time.Now}
	if err := errors.Join(resumed.Resume(), resumed.Extend(t.Context())); err != nil || resumed.Last != log.last || resumed.chain != w.chain {
		t.Errorf("resumed at %d of %d: %v", resumed.Last, log.last, err)
	}
}

func TestALogThatHasLostItsEndIsNoticed(t *testing.T) {
	log := esdbtest.New(t)
	for range 3 {
		sayIn(log)
	}
	w := HeadWriter{Path: filepath.Join(t.TempDir(), "chain"), ID: uuid.New(), Log: log, Now: time.Now}
	if err := w.Extend(t.Context()); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(w.Path)
	if err != nil {
		t.Fatal(err)
	}
	shorter := esdbtest.New(t)
	sayIn(shorter)
	w.Log = shorter
	if err := errors.Join(w.Resume(), w.Extend(t.Context())); !errors.Is(err, errShort) {
		t.Errorf("a shorter log: %v", err)
	}
	if now, err := os.ReadFile(w.Path); err != nil || string(now) != string(written) {
		t.Errorf("the heads were touched: %v", err)
	}
}

func TestAnotherLogIsNotWrittenDownBehindTheFirst(t *testing.T) {
	log, other := esdbtest.New(t), esdbtest.New(t)
	w := HeadWriter{Path: filepath.Join(t.TempDir(), "chain"), ID: uuid.New(), Log: log, Now: time.Now}
	for range 3 {
		sayIn(log)
	}
	if err := w.Extend(t.Context()); err != nil {
		t.Fatal(err)
	}
	written, last := w.chain, w.Last
	for range 3 { // it ends where the first does, and then after it
		sayIn(other)
	}
	w.Log = other
	for range 3 {
		if err := w.Extend(t.Context()); !errors.Is(err, errOther) || w.Last != last || w.chain != written {
			t.Fatalf("another log: written down to %d: %v", w.Last, err)
		}
		restarted := HeadWriter{Path: w.Path, ID: w.ID, Log: other, Now: time.Now} // after a restart, too
		if err := restarted.Resume(); err != nil {
			t.Fatal(err)
		}
		w = restarted
		sayIn(other)
	}
	sayIn(log)
	w.Log = log
	if err := w.Extend(t.Context()); err != nil || w.Last <= last {
		t.Errorf("the right one again: written down to %d: %v", w.Last, err)
	}
}

func TestAChainIsSetAsideAndGoesOnFromWhatTheLogStillHasOnceAnOperatorHasDecided(t *testing.T) {
	log := esdbtest.New(t)
	w := NewKeeper(HeadWriter{Path: filepath.Join(t.TempDir(), "chain"), ID: uuid.New(), Log: log, Now: time.Now}, slog.New(slog.DiscardHandler))
	for range 3 {
		sayIn(log)
		if err := w.Extend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	heads, err := ReadHeads(w.Path, w.ID)
	if err != nil || len(heads) != 3 {
		t.Fatal(len(heads), err)
	}
	// An older copy of the log that others have gone on with: it has the first of the events alone.
	w.Log = branch{log, heads[0].Position}
	sayIn(log)
	decided := time.Time{}
	w.Decided = func(context.Context) (time.Time, error) { return decided, nil }
	for _, decided = range []time.Time{{}, heads[2].At.Add(-time.Millisecond)} {
		if err := w.extendDecided(t.Context()); !errors.Is(err, errOther) {
			t.Errorf("before a decision: %v", err)
		}
	}
	decided = time.Now()
	if err := w.extendDecided(t.Context()); err != nil {
		t.Fatal(err)
	}
	now, err := ReadHeads(w.Path, w.ID)
	if err != nil || len(now) != 2 || now[0].Head != heads[0].Head {
		t.Errorf("%+v %v", now, err)
	}
	if kept, err := filepath.Glob(w.Path + ".until-*"); err != nil || len(kept) != 1 {
		t.Errorf("set aside: %v %v", kept, err)
	} else if old, err := ReadHeads(kept[0], w.ID); err != nil || len(old) != 3 {
		t.Errorf("%d heads were set aside: %v", len(old), err)
	}
	resumed := HeadWriter{Path: w.Path, ID: w.ID, Log: w.Log, Now: time.Now}
	if err := errors.Join(resumed.Resume(), resumed.Extend(t.Context())); err != nil || resumed.chain != w.chain {
		t.Errorf("resumed: %v", err)
	}
}

// branch is a log without two events.
type branch struct {
	*esdbtest.Log
	after events.Position // which they came
}

func (b branch) Facts(ctx context.Context, after events.Position) iter.Seq2[events.Raw, error] {
	return func(yield func(events.Raw, error) bool) {
		left := 0
		for e, err := range b.Log.Facts(ctx, 0) {
			if err == nil && e.Position > b.after {
				if left++; left <= 2 {
					continue
				}
			}
			if (err != nil || e.Position > after) && !yield(e, err) {
				return
			}
		}
	}
}
