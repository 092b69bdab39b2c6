package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
)

func TestAnAgentThatRunsStops(t *testing.T) {
	t.Parallel()
	When(Given(elizaCreated, elizaStarted), StopAgent{AgentID: eliza}).Then(t, elizaStopped)
}

func TestOnlyAnAgentThatRunsIsFoundToStop(t *testing.T) {
	t.Parallel()
	stop := StopAgent{AgentID: eliza}
	When(Given(), stop).ThenFails(t, ErrNotFound, "agent "+eliza.String()+" not found")
	When(Given(elizaCreated, elizaStarted, elizaStopped), stop).ThenFails(t, ErrNotFound)
}
