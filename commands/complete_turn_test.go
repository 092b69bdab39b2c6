package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

// ended is how Eliza's dealing with the message ended.
func ended(outcome string) events.TurnCompleted {
	return events.TurnCompleted{
		TurnID: guild, ChannelID: lobby, AgentID: eliza, MessageID: hello, Outcome: outcome, Model: "classic", PromptTokens: 7,
	}
}

func TestATurnEndsOnce(t *testing.T) {
	t.Parallel()
	replied, ignored := ended(events.TurnReplied), ended(events.TurnIgnored)
	When(unknown, CompleteTurn{TurnCompleted: replied}).Then(t, replied)
	When(Given(replied), CompleteTurn{TurnCompleted: replied}).Then(t)
	When(Given(replied), CompleteTurn{TurnCompleted: ignored}).Then(t)
	When(Given(ignored), CompleteTurn{TurnCompleted: ended(events.TurnFailed)}).Then(t)
}

func TestATurnThatFailedMayStillEndWell(t *testing.T) {
	t.Parallel()
	failed, replied := ended(events.TurnFailed), ended(events.TurnReplied)
	When(Given(failed), CompleteTurn{TurnCompleted: failed}).Then(t)
	When(Given(failed), CompleteTurn{TurnCompleted: replied}).Then(t, replied)
	When(Given(failed, replied), CompleteTurn{TurnCompleted: failed}).Then(t)
}

func TestAClientClosesTurnsInAnyChannel(t *testing.T) {
	t.Parallel()
	closed := ended(events.TurnClosed)
	When(unknown, CompleteTurn{TurnCompleted: closed}).Then(t, closed)
	When(Given(homeCreated, lobbyCreated), CompleteTurn{TurnCompleted: closed}).Then(t, closed)
}
