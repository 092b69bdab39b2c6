package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestAnAgentIsCreatedStopped(t *testing.T) {
	t.Parallel()
	create := CreateAgent{AgentID: eliza, Character: doctor}
	When(Given(), create).Then(t, elizaCreated)
	When(Given(elizaCreated), StopAgent{AgentID: eliza}).ThenFails(t, ErrNotFound)
}

func TestAnAgentThatExistsStaysAsItIs(t *testing.T) {
	t.Parallel()
	other := CreateAgent{AgentID: eliza, Character: events.Character{Name: "Eliza", System: "another"}}
	When(Given(elizaCreated), other).Then(t)
	When(Given(elizaCreated, elizaStarted), other).Then(t)
}

func TestAnAgentThatWasDeletedIsCreatedAnewAndStopped(t *testing.T) {
	t.Parallel()
	past := Given(elizaCreated, elizaStarted, elizaStopped, elizaDeleted)
	When(past, CreateAgent{AgentID: eliza, Character: doctor}).Then(t, elizaCreated)
	When(past.And(elizaCreated), StartAgent{AgentID: eliza}).Then(t, elizaStarted)
}
