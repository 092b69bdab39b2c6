package commands_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

var errNewer = errors.New("a newer build wrote it")

func TestACommandIsDecidedAnewWhenSomebodyElseWroteFirst(t *testing.T) {
	t.Parallel()
	log := Open(t, homeCreated, lobbyCreated)
	inBetween := []uuid.UUID{bob, parry}
	via := &between{beforeAppend: func() {
		if len(inBetween) > 0 {
			next := inBetween[0]
			inBetween = inBetween[1:]
			do(t, log.Env, NewRequest(), JoinChannel{ChannelID: lobby, ParticipantID: next})
		}
	}}
	result := do(t, via.env(log), NewRequest(), JoinChannel{ChannelID: lobby, ParticipantID: guild})
	sameIDs(t, "the participants", participants(t, log.Env), alice, eliza, bob, parry, guild)
	if !result.Changed || result.Revision != 3 || result.Position != log.Now(t) || via.appends.Load() != 3 {
		t.Errorf("after %d appends the result is %+v", via.appends.Load(), result)
	}
	inBetween = []uuid.UUID{hello}
	result = do(t, via.env(log), NewRequest(), JoinChannel{ChannelID: lobby, ParticipantID: hello})
	sameIDs(t, "the participants", participants(t, log.Env), alice, eliza, bob, parry, guild, hello)
	if result.Changed || result.Revision != 4 || result.Position != log.Now(t) {
		t.Errorf("the result of what somebody else had done is %+v", result)
	}
}

func TestACommandThatBeginsAStreamReadsItOnlyOnAConflict(t *testing.T) {
	t.Parallel()
	log, via := Open(t), &between{}
	env := via.env(log)
	if result := do(t, env, NewRequest(), CreateAgent{AgentID: eliza, Character: doctor}); !result.Changed || via.reads.Load() != 0 {
		t.Errorf("after %d reads of a new stream the result is %+v", via.reads.Load(), result)
	}
	result := do(t, env, NewRequest(), CreateAgent{AgentID: eliza, Character: doctor})
	if result.Changed || result.Position != log.Now(t) || via.reads.Load() != 1 {
		t.Errorf("after %d reads of a stream that had begun the result is %+v", via.reads.Load(), result)
	}
}

func TestACommandGivesUpWhenSomebodyElseKeepsWriting(t *testing.T) {
	t.Parallel()
	log := Open(t, lobbyCreated)
	via := &between{beforeAppend: func() { do(t, log.Env, NewRequest(), JoinChannel{ChannelID: lobby, ParticipantID: uuid.New()}) }}
	_, err := Handle(t.Context(), via.env(log), NewRequest(), JoinChannel{ChannelID: lobby, ParticipantID: bob})
	if !errors.Is(err, events.ErrConflict) || !strings.Contains(err.Error(), "channel-"+lobby.String()) {
		t.Errorf("the error is %v", err)
	}
	if via.appends.Load() != 10 || len(participants(t, log.Env)) != 2+10 {
		t.Errorf("after %d appends %d take part", via.appends.Load(), len(participants(t, log.Env)))
	}
}

func TestARequestWithoutAnIDIsRefused(t *testing.T) {
	t.Parallel()
	log := Open(t, lobbyCreated)
	_, err := Handle(t.Context(), log.Env, Request{At: Noon}, ClearChannel{ChannelID: lobby})
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "a request without an id") || len(log.Since(t, 0)) != 1 {
		t.Errorf("the error is %v; the log holds %d facts", err, len(log.Since(t, 0)))
	}
}

func TestACommandHoldsOnlyAtTheRevisionThatItNames(t *testing.T) {
	t.Parallel()
	log := Open(t, homeCreated, lobbyCreated, lobbyCleared)
	at := func(revision uint64) Request {
		r := NewRequest()
		r.IfRevision = &revision
		return r
	}
	stale := func(revision uint64, cmd Command[Channel, bool], words string) {
		t.Helper()
		before := log.Now(t)
		_, err := Handle(t.Context(), log.Env, at(revision), cmd)
		if !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), words) || log.Now(t) != before {
			t.Errorf("the error is %v", err)
		}
	}
	join := JoinChannel{ChannelID: lobby, ParticipantID: bob}
	stale(0, join, "channel-"+lobby.String()+": changed meanwhile: at revision 1, not 0")
	stale(2, join, "at revision 1, not 2")
	if result := do(t, log.Env, at(1), join); result.Revision != 2 {
		t.Errorf("the result is %+v", result)
	}
	stale(1, join, "at revision 2, not 1") // although it is so already
	if result := do(t, log.Env, at(2), join); result.Changed {
		t.Errorf("the result is %+v", result)
	}
	if _, err := Handle(t.Context(), log.Env, at(0), CreateChannel{ChannelID: cafe}); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), "at revision -1, not 0") {
		t.Errorf("the error is %v", err)
	}
	if _, err := Handle(t.Context(), log.Env, at(0), ClearChannel{ChannelID: cafe}); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there is told as %v", err)
	}
}

func TestACommandThatNamesARevisionIsNotDecidedAnewAtAnother(t *testing.T) {
	t.Parallel()
	log := Open(t, lobbyCreated)
	via := &between{beforeAppend: func() { do(t, log.Env, NewRequest(), JoinChannel{ChannelID: lobby, ParticipantID: bob}) }}
	r := NewRequest()
	r.IfRevision = new(uint64)
	if _, err := Handle(t.Context(), via.env(log), r, ClearChannel{ChannelID: lobby}); !errors.Is(err, ErrStale) {
		t.Errorf("the error is %v", err)
	}
}

func TestAnEventThatCannotBeReadStopsTheCommandsOfItsStream(t *testing.T) {
	t.Parallel()
	log := Open(t, append(lobbyOpen, lobbyCleared, guildCreated)...)
	via := &between{unreadable: func(e events.Event) bool { return e == lobbyCleared }}
	for what, handle := range map[string]func(Env) error{
		"a command of the stream": func(b Env) error {
			_, err := Handle(t.Context(), b, NewRequest(), LeaveChannel{ChannelID: lobby, ParticipantID: alice})
			return err
		},
		"a command whose parent it is": func(b Env) error {
			_, err := Handle(t.Context(), b, NewRequest(), sayHello())
			return err
		},
		"a fold": func(b Env) error {
			_, err := Load[Channel](t.Context(), b, events.ChannelStream(lobby))
			return err
		},
	} {
		err := handle(via.env(log))
		if !errors.Is(err, errNewer) || !strings.Contains(err.Error(), "channel-"+lobby.String()+" at revision 1: ChannelCleared cannot be read") {
			t.Errorf("%s fails with %v", what, err)
		}
	}
	do(t, via.env(log), NewRequest(), CreateChannel{ChannelID: cafe})
	if n := len(log.Since(t, 0)); n != len(lobbyOpen)+3 {
		t.Errorf("the log holds %d facts", n)
	}
}

func TestWhatMayNotBecomeAnEventIsRefusedAndNotRecorded(t *testing.T) {
	t.Parallel()
	log := Open(t, lobbyOpen...)
	long := strings.Repeat("long", 300_000)
	for content, want := range map[string]error{"\x00": events.ErrInvalid, "\xff": events.ErrInvalid, long: events.ErrTooLarge} {
		say := sayHello()
		say.Content = content
		if _, err := Handle(t.Context(), log.Env, NewRequest(), say); !errors.Is(err, want) {
			t.Errorf("the error is %v, not %v", err, want)
		}
	}
	if n := len(log.Since(t, 0)); n != len(lobbyOpen) {
		t.Errorf("the log holds %d facts", n)
	}
}

func TestACommandEndsWithItsContext(t *testing.T) {
	t.Parallel()
	log := Open(t, lobbyCreated)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if _, err := Handle(ctx, log.Env, NewRequest(), ClearChannel{ChannelID: lobby}); err == nil || len(log.Since(t, 0)) != 1 {
		t.Errorf("the error is %v; the log holds %d facts", err, len(log.Since(t, 0)))
	}
}
