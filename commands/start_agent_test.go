package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
)

func TestAnAgentThatIsStoppedStarts(t *testing.T) {
	t.Parallel()
	start := StartAgent{AgentID: eliza}
	When(Given(elizaCreated), start).Then(t, elizaStarted)
	When(Given(elizaCreated, elizaStarted, elizaStopped), start).Then(t, elizaStarted)
}

func TestAnAgentThatRunsIsStartedAlready(t *testing.T) {
	t.Parallel()
	When(Given(elizaCreated, elizaStarted), StartAgent{AgentID: eliza}).Then(t)
}

func TestAnAgentThatIsNotThereCannotStart(t *testing.T) {
	t.Parallel()
	start := StartAgent{AgentID: eliza}
	When(Given(), start).ThenFails(t, ErrNotFound, "agent "+eliza.String()+" not found")
	When(Given(elizaCreated, elizaDeleted), start).ThenFails(t, ErrNotFound)
}
