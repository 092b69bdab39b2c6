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
	"annals/events/esdb"
)

// logOf is an empty log in a folder.
func logOf(t *testing.T) (*esdb.Store, func(events.Event) events.Position) {
	t.Helper()
	dir, quiet := t.TempDir(), Config{LogLevel: "error"}.logger()
	socket := socketPath(dir)
	node, err := startNode(t.Context(), filepath.Join(dir, "events"), socket, quiet)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := events.NewFileKeys(keysIn(dir))
	if err != nil {
		t.Fatal(err)
	}
	store, err := esdb.Open(t.Context(), esdb.Options{Socket: socket, Codec: events.NewCodec(keys), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = store.Close(context.Background()), node.Close(context.Background()) })
	return store, func(e events.Event) events.Position {
		id := newID()
		meta := events.Metadata{Request: id, Correlation: id, Causation: id, Actor: "cli", At: time.Now()}
		at, err := store.Append(t.Context(), events.MessageStream(id), events.NoStream, events.Proposed{ID: id, Event: e, Meta: meta})
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
}

func TestALogThatGrowsWhileItIsWrittenDownIsNotTakenForShort(t *testing.T) {
	store, add := logOf(t)
	said := func() events.Position {
		return add(events.MessageSubmitted{MessageID: newID(), ChannelID: newID(), Content: "said"})
	}
	c := chained{path: filepath.Join(t.TempDir(), "chain"), log: uuid.New(), after: store.Everything}
	var last events.Position
	c.head = func(ctx context.Context) (events.Position, error) {
		head, err := store.Head(ctx)
		said()
		last = said() // before the rest is read
		return head, err
	}
	for range 3 {
		said()
		if err := c.extend(t.Context()); err != nil || c.last != last {
			t.Fatalf("written down to %d of %d: %v", c.last, last, err)
		}
	}
	resumed := chained{path: c.path, log: c.log, head: store.Head, after: store.Everything}
	if err := errors.Join(resumed.resume(), resumed.extend(t.Context())); err != nil || resumed.last != last || resumed.chain != c.chain {
		t.Errorf("resumed at %d of %d: %v", resumed.last, last, err)
	}
}

func TestALogThatHasLostItsEndIsNoticed(t *testing.T) {
	store, add := logOf(t)
	for range 3 {
		add(events.MessageSubmitted{MessageID: newID(), ChannelID: newID(), Content: "said"})
	}
	c := chained{path: filepath.Join(t.TempDir(), "chain"), log: uuid.New(), head: store.Head, after: store.Everything}
	if err := c.extend(t.Context()); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(c.path)
	if err != nil {
		t.Fatal(err)
	}
	shorter, add := logOf(t)
	add(events.MessageSubmitted{MessageID: newID(), ChannelID: newID(), Content: "said"})
	c.head, c.after = shorter.Head, shorter.Everything
	if err := errors.Join(c.resume(), c.extend(t.Context())); !errors.Is(err, errShort) {
		t.Errorf("a shorter log: %v", err)
	}
	if now, err := os.ReadFile(c.path); err != nil || string(now) != string(written) {
		t.Errorf("the heads were touched: %v", err)
	}
}
