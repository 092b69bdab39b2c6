package main

import (
	"context"
	"errors"
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
	w := headWriter{path: filepath.Join(t.TempDir(), "chain"), id: uuid.New(), log: log, now: time.Now}
	for range 3 {
		sayIn(log.Log)
		if err := w.extend(t.Context()); err != nil || w.last != log.last {
			t.Fatalf("written down to %d of %d: %v", w.last, log.last, err)
		}
	}
	resumed := headWriter{path: w.path, id: w.id, log: log.Log, now: time.Now}
	if err := errors.Join(resumed.resume(), resumed.extend(t.Context())); err != nil || resumed.last != log.last || resumed.chain != w.chain {
		t.Errorf("resumed at %d of %d: %v", resumed.last, log.last, err)
	}
}

func TestALogThatHasLostItsEndIsNoticed(t *testing.T) {
	log := esdbtest.New(t)
	for range 3 {
		sayIn(log)
	}
	w := headWriter{path: filepath.Join(t.TempDir(), "chain"), id: uuid.New(), log: log, now: time.Now}
	if err := w.extend(t.Context()); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	shorter := esdbtest.New(t)
	sayIn(shorter)
	w.log = shorter
	if err := errors.Join(w.resume(), w.extend(t.Context())); !errors.Is(err, errShort) {
		t.Errorf("a shorter log: %v", err)
	}
	if now, err := os.ReadFile(w.path); err != nil || string(now) != string(written) {
		t.Errorf("the heads were touched: %v", err)
	}
}
