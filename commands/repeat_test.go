package commands_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
)

// keyed is a request that came with an Idempotency-Key and this body.
func keyed(body string) Request {
	r := NewRequest()
	r.Body = body
	return r
}

// later is the same request when it comes again.
func later(r Request) Request {
	r.At = r.At.Add(time.Minute)
	r.Correlation, r.Causation = uuid.New(), uuid.New()
	return r
}

func TestARepeatedRequestIsRecordedOnce(t *testing.T) {
	t.Parallel()
	name := "Hall"
	wishes := map[string]func(t *testing.T, b Env, r Request) Result{
		"one fact": func(t *testing.T, b Env, r Request) Result { return do(t, b, r, ClearChannel{ChannelID: lobby}) },
		"three facts": func(t *testing.T, b Env, r Request) Result {
			return do(t, b, r, UpdateChannel{ChannelID: lobby, Name: &name, Participants: &[]uuid.UUID{bob, alice}})
		},
		"the first fact of a stream": func(t *testing.T, b Env, r Request) Result { return do(t, b, r, sayHello()) },
		"an agent that is stopped":   func(t *testing.T, b Env, r Request) Result { return do(t, b, r, StopAgent{AgentID: eliza}) },
	}
	for what, wish := range wishes {
		for key, r := range map[string]Request{"with a key": keyed("body"), "without a key": NewRequest()} {
			t.Run(what+" "+key, func(t *testing.T) {
				t.Parallel()
				log := Open(t, append(lobbyOpen, elizaStarted)...)
				first := wish(t, log.Env, r)
				facts := log.Since(t, 0)
				// Something else happens to the same streams, and then the answer was lost.
				do(t, log.Env, NewRequest(), JoinChannel{ChannelID: lobby, ParticipantID: parry})
				do(t, log.Env, NewRequest(), DeleteMessage{MessageID: hello})
				head := log.Now(t)
				again := wish(t, log.Env, later(r))
				if log.Now(t) != head {
					t.Errorf("the repetition leads to %+v", log.Since(t, head))
				}
				if r.Body != "" && !again.At.Equal(Noon) {
					t.Errorf("it was first fulfilled at %v, not at noon", again.At)
				}
				again.At = first.At
				if again != first || !first.Changed || !first.At.Equal(Noon) || first.Position != facts[len(facts)-1].Position {
					t.Errorf("the first time the result is %+v, then %+v", first, again)
				}
			})
		}
	}
}

func TestARequestThatChangedNothingIsDecidedAgain(t *testing.T) {
	t.Parallel()
	log, r := Open(t, append(lobbyOpen, elizaStarted)...), NewRequest()
	start := StartAgent{AgentID: eliza}
	if do(t, log.Env, r, start).Changed {
		t.Error("an agent that runs was started")
	}
	do(t, log.Env, NewRequest(), StopAgent{AgentID: eliza})
	if !do(t, log.Env, r, start).Changed {
		t.Error("an agent that is stopped was not started")
	}
}

func TestAKeyThatComesWithAnotherBodyIsRefused(t *testing.T) {
	t.Parallel()
	log, r := Open(t, lobbyOpen...), keyed("one")
	other := r
	other.Body = "another"
	do(t, log.Env, r, sayHello())
	do(t, log.Env, r, ClearChannel{ChannelID: lobby})
	head := log.Now(t)
	for what, handle := range map[string]func() error{
		"a new stream": func() error { _, err := Handle(t.Context(), log.Env, other, sayHello()); return err },
		"a stream": func() error {
			_, err := Handle(t.Context(), log.Env, other, ClearChannel{ChannelID: lobby})
			return err
		},
	} {
		if err := handle(); !errors.Is(err, ErrReused) {
			t.Errorf("for %s the error is %v", what, err)
		}
	}
	if log.Now(t) != head {
		t.Errorf("%+v was recorded", log.Since(t, head))
	}
}

func TestOneRequestMayWriteToSeveralStreams(t *testing.T) {
	t.Parallel()
	log, r := Open(t, homeCreated, elizaCreated), NewRequest()
	do(t, log.Env, r, CreateChannel{ChannelID: lobby})
	do(t, log.Env, r, sayHello())
	do(t, log.Env, r, StartAgent{AgentID: eliza})
	ids := map[uuid.UUID]bool{}
	for _, e := range log.Since(t, 0) {
		if e.Meta.Request == r.ID {
			ids[e.ID] = true
		}
	}
	if len(ids) != 3 {
		t.Errorf("%d facts have an id of their own", len(ids))
	}
}

func TestARepetitionThatRacesItselfIsRecordedOnce(t *testing.T) {
	t.Parallel()
	log, r := Open(t, lobbyOpen...), keyed("body")
	via := &between{}
	via.beforeAppend = func() {
		via.beforeAppend = nil
		do(t, log.Env, r, JoinChannel{ChannelID: lobby, ParticipantID: bob})
	}
	result := do(t, via.env(log), later(r), JoinChannel{ChannelID: lobby, ParticipantID: bob})
	sameIDs(t, "the participants", participants(t, log.Env), alice, eliza, bob)
	if result.Position != log.Now(t) || !result.Changed || result.Revision != 1 {
		t.Errorf("the result is %+v", result)
	}
	if joined := log.Since(t, 0)[len(lobbyOpen):]; len(joined) != 1 {
		t.Errorf("recorded is %+v", joined)
	}
}
