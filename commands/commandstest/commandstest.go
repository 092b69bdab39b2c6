// Package commandstest lets a test of a command read as a sentence:
//
//	When(Given(created), StartAgent{AgentID: id}).Then(t, started)
//
// The command runs through commands.Handle on a real log of its own, which comes up in Then.
package commandstest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

// Noon is when requests are made where a test does not say otherwise. Histories happened an hour before.
var Noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// NewRequest is a request like no other, made at Noon.
func NewRequest() commands.Request {
	return commands.Request{ID: uuid.New(), At: Noon, Actor: "key:tests", Correlation: uuid.New(), Causation: uuid.New()}
}

// History is what has happened before the command.
type History []events.Event

// Given is a log that holds these facts, recorded one after another, and no others.
func Given(facts ...events.Event) History { return facts }

// And is the history that goes on with these facts.
func (h History) And(facts ...events.Event) History { return append(slices.Clip(h), facts...) }

// Wish is a command that meets a history.
type Wish struct {
	given   History
	request commands.Request
	handle  func(context.Context, commands.Env, commands.Request) (commands.Result, error)
}

// When is the command, as a request of its own.
func When[S commands.State[S], A any](given History, cmd commands.Command[S, A]) Wish {
	handle := func(ctx context.Context, b commands.Env, r commands.Request) (commands.Result, error) {
		return commands.Handle(ctx, b, r, cmd)
	}
	return Wish{given: given, request: NewRequest(), handle: handle}
}

// Then expects success and exactly these facts, recorded for the request; none of them means that it was so already.
func (w Wish) Then(t testing.TB, want ...events.Event) {
	t.Helper()
	result, facts, err := w.fulfil(t)
	if err != nil {
		t.Fatalf("the command fails: %v", err)
	}
	if len(facts) != len(want) {
		t.Fatalf("the command leads to %d facts, not %d: %s", len(facts), len(want), show(facts))
	}
	if result.Changed != (len(want) > 0) {
		t.Errorf("changed is %v with %d facts", result.Changed, len(want))
	}
	for i, e := range facts {
		if Show(e.Event) != Show(want[i]) {
			t.Errorf("fact %d is\n%s\nnot\n%s", i, Show(e.Event), Show(want[i]))
		}
		m, r := e.Meta, w.request
		if m.Request != r.ID || m.Actor != r.Actor || !m.At.Equal(r.At) || m.Correlation != r.Correlation || m.Causation != r.Causation {
			t.Errorf("fact %d is recorded under %+v, which is not the request %+v", i, m, r)
		}
		if i == len(facts)-1 && (result.Position != e.Position || result.Revision != e.Revision) {
			t.Errorf("the result says position %d and revision %d, the last fact is at %d and %d", result.Position, result.Revision, e.Position, e.Revision)
		}
	}
}

// ThenFails expects that error, its text to contain the words, and that nothing was recorded.
func (w Wish) ThenFails(t testing.TB, want error, words ...string) {
	t.Helper()
	_, facts, err := w.fulfil(t)
	if !errors.Is(err, want) {
		t.Fatalf("the error is %v, not %v", err, want)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error %q does not say %q", err, word)
		}
	}
	if len(facts) > 0 {
		t.Errorf("a command that fails leads to %s", show(facts))
	}
}

func (w Wish) fulfil(t testing.TB) (commands.Result, []events.Recorded, error) {
	t.Helper()
	log := Open(t, w.given...)
	before := log.Now(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := w.handle(ctx, log.Env, w.request)
	return result, log.Since(t, before), err
}

// Show is a fact in words, the same for the same fact.
func Show(e events.Event) string {
	b, err := json.Marshal(e)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s%s", reflect.TypeOf(e), b)
}

func show(facts []events.Recorded) string {
	words := make([]string, len(facts))
	for i, e := range facts {
		words[i] = Show(e.Event)
	}
	return strings.Join(words, ", ")
}
