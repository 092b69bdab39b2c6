package commandstest

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/events/esdb/esdbtest"
)

// patience bounds everything that waits.
const patience = 30 * time.Second

// OpenedLog is a log of a test's own, with what commands need of it.
type OpenedLog struct {
	*esdbtest.Log
	Env commands.Env
}

// Open starts a log that holds these facts, recorded one after another, and ends it with the test.
func Open(t testing.TB, facts ...events.Event) OpenedLog {
	t.Helper()
	log := esdbtest.New(t)
	for _, f := range facts {
		log.Record(streamOf(t, f), Noon.Add(-time.Hour), f)
	}
	return OpenedLog{Log: log, Env: commands.Env{Store: log.Store, States: commands.NewStates(log.Store)}}
}

// Now is the position of the newest fact.
func (l OpenedLog) Now(t testing.TB) events.Position {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	head, err := l.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// Since is what was recorded after the position, in every stream.
func (l OpenedLog) Since(t testing.TB, after events.Position) []events.Recorded {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var facts []events.Recorded
	for e, err := range l.ReadAll(ctx, after, events.Forwards, events.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		facts = append(facts, e)
	}
	return facts
}

// streamOf is the stream in which a fact belongs: every fact begins with the id of the thing that it is about.
func streamOf(t testing.TB, e events.Event) events.StreamID {
	t.Helper()
	if _, ok := e.(events.LogOpened); ok {
		return events.LogStream
	}
	id, ok := reflect.ValueOf(e).Field(0).Interface().(uuid.UUID)
	if !ok {
		t.Fatalf("%T does not begin with the id of a thing", e)
	}
	return events.Stream(strings.ToLower(strings.TrimSuffix(reflect.TypeOf(e).Field(0).Name, "ID")), id)
}
