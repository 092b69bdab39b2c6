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
	When(unknown, CompleteTurn{replied}).Then(t, replied)
	When(Given(replied), CompleteTurn{replied}).Then(t)
	When(Given(replied), CompleteTurn{ignored}).Then(t)
	When(Given(ignored), CompleteTurn{ended(events.TurnFailed)}).Then(t)
}

func TestATurnThatFailedMayStillEndWell(t *testing.T) {
	t.Parallel()
	failed, replied := ended(events.TurnFailed), ended(events.TurnReplied)
	When(Given(failed), CompleteTurn{failed}).Then(t)
	When(Given(failed), CompleteTurn{replied}).Then(t, replied)
	When(Given(failed, replied), CompleteTurn{failed}).Then(t)
}

func TestAClientClosesTurnsInAnyChannel(t *testing.T) {
	t.Parallel()
	closed := ended(events.TurnClosed)
	When(unknown, CompleteTurn{closed}).Then(t, closed)
	When(Given(homeCreated, lobbyCreated), CompleteTurn{closed}).Then(t, closed)
}
