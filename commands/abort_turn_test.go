package commands_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

var (
	abortion     = AbortTurn{ChannelID: lobby, AgentID: eliza, MessageID: hello}
	turnAborted  = events.TurnAborted{TurnID: events.TurnID(hello, eliza), ChannelID: lobby, AgentID: eliza, MessageID: hello}
	helloToAll   = events.MessageSubmitted{MessageID: hello, ChannelID: lobby, AuthorID: alice, Content: "Hello.", Audience: []uuid.UUID{eliza, parry}}
	turnReplied  = events.TurnCompleted{TurnID: events.TurnID(hello, eliza), AgentID: eliza, MessageID: hello, Outcome: events.TurnReplied}
	turnFailed   = events.TurnCompleted{TurnID: events.TurnID(hello, eliza), AgentID: eliza, MessageID: hello, Outcome: events.TurnFailed}
	parryAborted = AbortTurn{ChannelID: lobby, AgentID: parry, MessageID: hello}
)

func TestATurnIsAbortedOnce(t *testing.T) {
	t.Parallel()
	When(unknown, abortion).Then(t, turnAborted)
	When(Given(turnAborted), abortion).Then(t)
}

func TestATurnThatIsDoneIsNotAborted(t *testing.T) {
	t.Parallel()
	When(Given(turnReplied), abortion).Then(t)
	When(Given(turnFailed), abortion).Then(t, turnAborted)
}

func TestAnAbortedTurnEndsOnce(t *testing.T) {
	t.Parallel()
	cut := turnReplied
	cut.Outcome = events.TurnCutOff
	When(Given(turnAborted), CompleteTurn{TurnCompleted: cut}).Then(t, cut)
	When(Given(turnAborted, cut), CompleteTurn{TurnCompleted: turnReplied}).Then(t)
}

func TestAnswersThatAreNotWantedAreAborted(t *testing.T) {
	t.Parallel()
	recent := func(context.Context, uuid.UUID) ([]uuid.UUID, error) { return []uuid.UUID{uuid.New(), hello}, nil }
	for name, c := range map[string]struct {
		unwanted Unwanted
		want     []AbortTurn
		fails    error
	}{
		"all that are under way":       {Unwanted{Channel: lobby}, []AbortTurn{abortion, parryAborted}, nil},
		"those of an agent":            {Unwanted{Channel: lobby, Agent: parry}, []AbortTurn{parryAborted}, nil},
		"those to a message":           {Unwanted{Channel: lobby, Message: hello}, []AbortTurn{abortion, parryAborted}, nil},
		"one":                          {Unwanted{Channel: lobby, Message: hello, Agent: eliza}, []AbortTurn{abortion}, nil},
		"of an agent that is not here": {Unwanted{Channel: lobby, Agent: alice}, nil, nil},
		"of nobody to a message":       {Unwanted{Channel: lobby, Message: hello, Agent: alice}, nil, ErrNotFound},
		"to a message elsewhere":       {Unwanted{Channel: cafe, Message: hello}, nil, ErrNotFound},
		"to a message never said":      {Unwanted{Channel: lobby, Message: uuid.New()}, nil, ErrNotFound},
		"in a channel never made":      {Unwanted{Channel: uuid.New()}, nil, ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cafeCreated := lobbyCreated
			cafeCreated.ChannelID = cafe
			env := Open(t, homeCreated, lobbyCreated, cafeCreated, helloToAll).Env
			c.unwanted.Recent = recent
			got, _, err := AbortTurns(t.Context(), env, NewRequest(), c.unwanted)
			if !errors.Is(err, c.fails) || len(got) != len(c.want) {
				t.Fatalf("aborted %+v, %v", got, err)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("aborted %+v, want %+v", got[i], c.want[i])
				}
			}
			if again, _, err := AbortTurns(t.Context(), env, NewRequest(), c.unwanted); !errors.Is(err, c.fails) || len(again) > 0 {
				t.Errorf("aborted once more: %+v, %v", again, err)
			}
		})
	}
}
