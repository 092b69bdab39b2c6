package commands_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestTryingRecordsNothingAndIsNotWatched(t *testing.T) {
	t.Parallel()
	log := Open(t, lobbyOpen...)
	env := log.Env
	env.Watch = func(ctx context.Context, command string, _ *Request) (context.Context, func(Result, error)) {
		t.Errorf("%s is watched", command)
		return ctx, func(Result, error) {}
	}
	head := log.Now(t)
	would, err := Try(t.Context(), env, NewRequest(), sayHello())
	if err != nil || !would.Changed || len(would.Facts) != 1 || Show(would.Facts[0]) != Show(helloSaid) {
		t.Errorf("it would lead to %+v, %v", would, err)
	}
	if log.Now(t) != head {
		t.Errorf("recorded is %+v", log.Since(t, head))
	}
}

func TestTryingFailsAsHandlingWould(t *testing.T) {
	t.Parallel()
	log := Open(t, lobbyOpen...)
	fulfilled, first := keyed("one"), uint64(1)
	do(t, log.Env, fulfilled, sayHello())
	other := fulfilled
	other.Body = "another"
	stale := NewRequest()
	stale.IfRevision = &first
	long := SubmitMessage{MessageID: eliza, ChannelID: lobby, AuthorID: alice, Content: strings.Repeat("long", 300_000)}
	elsewhere := SubmitMessage{MessageID: parry, ChannelID: cafe, AuthorID: alice, Content: "Hello?"}
	for what, c := range map[string]struct {
		r    Request
		cmd  SubmitMessage
		want error
	}{
		"what is too large":                      {NewRequest(), long, events.ErrTooLarge},
		"what is not admitted":                   {NewRequest(), elsewhere, ErrNotFound},
		"a key that came with another body":      {other, sayHello(), ErrReused},
		"a revision that the stream is not at":   {stale, sayHello(), ErrStale},
		"a request without an id":                {Request{}, sayHello(), ErrRefused},
		"a repetition, which does not fail":      {fulfilled, sayHello(), nil},
		"what is there already, nor does it":     {NewRequest(), sayHello(), nil},
		"what would be recorded, nor does it so": {NewRequest(), SubmitMessage{MessageID: guild, ChannelID: lobby}, nil},
	} {
		would, tried := Try(t.Context(), log.Env, c.r, c.cmd)
		result, handled := Handle(t.Context(), log.Env, c.r, c.cmd)
		if !errors.Is(tried, c.want) || !errors.Is(handled, c.want) || would.Changed != result.Changed {
			t.Errorf("%s: tried is %+v, %v, handled %+v, %v", what, would, tried, result, handled)
		}
	}
}

func TestWhatIsAssumedIsSeenByWhatIsTriedAndByNothingElse(t *testing.T) {
	t.Parallel()
	log := Open(t, homeCreated, elizaCreated, lobbyCreated, helloSaid, lobbyDeleted)
	assuming := assume(t, log.Env, events.AgentStream(eliza), elizaStarted)
	assuming = assume(t, assuming, events.ChannelStream(lobby), lobbyCreated)
	said := helloSaid
	said.Audience = []uuid.UUID{eliza}
	would, err := Try(t.Context(), assuming, NewRequest(), sayHello()) // the first one is gone with its channel
	if err != nil || len(would.Facts) != 1 || Show(would.Facts[0]) != Show(said) {
		t.Errorf("it would lead to %+v, %v", would, err)
	}
	assuming = assume(t, assuming, events.MessageStream(hello), would.Facts...)
	if again, err := Try(t.Context(), assuming, NewRequest(), sayHello()); err != nil || again.Changed {
		t.Errorf("again it would lead to %+v, %v", again, err)
	}
	if _, err := Try(t.Context(), log.Env, NewRequest(), sayHello()); !errors.Is(err, ErrNotFound) {
		t.Errorf("without what is assumed the error is %v", err)
	}
	if _, err := Handle(t.Context(), assuming, NewRequest(), sayHello()); !errors.Is(err, ErrRefused) {
		t.Errorf("handling by what is assumed fails with %v", err)
	}
}

func TestAssumptionsGoOnWithTheRevisionsOfTheLog(t *testing.T) {
	t.Parallel()
	log := Open(t, homeCreated, lobbyCreated)
	assuming := assume(t, log.Env, events.ChannelStream(lobby), lobbyCleared, lobbyCleared)
	r, revision := NewRequest(), uint64(2)
	r.IfRevision = &revision
	if _, err := Try(t.Context(), assuming, r, JoinChannel{ChannelID: lobby, ParticipantID: bob}); err != nil {
		t.Errorf("at revision 2 the error is %v", err)
	}
	if _, err := Try(t.Context(), log.Env, r, JoinChannel{ChannelID: lobby, ParticipantID: bob}); !errors.Is(err, ErrStale) {
		t.Errorf("at revision 0 the error is %v", err)
	}
}

func TestAssumptionsAreBounded(t *testing.T) {
	t.Parallel()
	log := Open(t)
	fact := events.ChannelUpdated{Name: strings.Repeat("x", 1<<20)}
	env, err := log.Env, error(nil)
	n := 0
	for ; err == nil && n < 100; n++ {
		env, err = env.Assuming(events.ChannelStream(lobby), fact)
	}
	if !errors.Is(err, events.ErrTooLarge) || n != 64 {
		t.Errorf("after %d MiB the error is %v", n, err)
	}
}

func TestWhereTheSecondOfTwoCommandsWouldFailNeitherIsHandled(t *testing.T) {
	t.Parallel()
	log := Open(t, homeCreated)
	create := CreateChannel{ChannelID: lobby, Participants: []uuid.UUID{alice}}
	for content, want := range map[string]error{"\x00": events.ErrInvalid, strings.Repeat("long", 300_000): events.ErrTooLarge} {
		say := SubmitMessage{MessageID: hello, ChannelID: lobby, AuthorID: alice, Content: content}
		if _, err := HandleBoth(t.Context(), log.Env, NewRequest(), create, say); !errors.Is(err, want) {
			t.Errorf("the error is %v, not %v", err, want)
		}
	}
	if facts := log.Since(t, 0); len(facts) != 1 {
		t.Errorf("recorded is %+v", facts)
	}
	result, err := HandleBoth(t.Context(), log.Env, NewRequest(), create, sayHello())
	if facts := log.Since(t, 0); err != nil || len(facts) != 3 || result.Position != facts[2].Position {
		t.Errorf("recorded is %+v, the result %+v, %v", facts, result, err)
	}
}

func assume(t *testing.T, env Env, s events.StreamID, facts ...events.Event) Env {
	t.Helper()
	env, err := env.Assuming(s, facts...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}
