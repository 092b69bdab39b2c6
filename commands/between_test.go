package commands_test

import (
	"context"
	"iter"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

// between stands between commands and a real log, where a test counts what passes and lets something happen in between.
type between struct {
	events.Store
	reads, appends atomic.Int32
	// beforeAppend happens when a command has decided, and before its facts are in the log.
	beforeAppend func()
	// afterRead happens when a stream was read, and before the reader has it.
	afterRead func()
	// unreadable are the facts that this build does not understand.
	unreadable func(events.Event) bool
}

func (b *between) Append(ctx context.Context, s events.StreamID, expect events.Revision, facts ...events.Proposed) (events.Position, error) {
	b.appends.Add(1)
	if b.beforeAppend != nil {
		b.beforeAppend()
	}
	return b.Store.Append(ctx, s, expect, facts...)
}

func (b *between) Read(ctx context.Context, s events.StreamID, dir events.Direction) iter.Seq2[events.Recorded, error] {
	b.reads.Add(1)
	return func(yield func(events.Recorded, error) bool) {
		var facts []events.Recorded
		for e, err := range b.Store.Read(ctx, s, dir) {
			if err != nil {
				yield(e, err)
				return
			}
			if b.unreadable != nil && b.unreadable(e.Event) {
				e.Event = events.Unknown{Type: e.Event.EventType(), Reason: errNewer}
			}
			facts = append(facts, e)
		}
		if b.afterRead != nil {
			b.afterRead()
		}
		for _, e := range facts {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// env is an Env of its own to the same log, with this in between.
func (b *between) env(log OpenedLog) Env {
	b.Store = log.Store
	return Env{Store: b, States: NewStates(b)}
}

// do handles a command that is to succeed.
func do[S State[S], A any](t testing.TB, b Env, r Request, cmd Command[S, A]) Result {
	t.Helper()
	result, err := Handle(t.Context(), b, r, cmd)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// participants are those of the lobby, as the log tells.
func participants(t testing.TB, b Env) []uuid.UUID {
	t.Helper()
	ch, err := Load[Channel](t.Context(), b, events.ChannelStream(lobby))
	if err != nil {
		t.Fatal(err)
	}
	return ch.Participants
}

func sameIDs(t testing.TB, what string, got []uuid.UUID, want ...uuid.UUID) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s are %v, not %v", what, got, want)
	}
}
