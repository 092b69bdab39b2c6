package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
)

func TestAnAgentThatRunsIsStoppedBeforeItIsDeleted(t *testing.T) {
	t.Parallel()
	remove := DeleteAgent{AgentID: eliza}
	When(Given(elizaCreated, elizaStarted), remove).Then(t, elizaStopped, elizaDeleted)
	When(Given(elizaCreated), remove).Then(t, elizaDeleted)
}

func TestAnAgentThatIsNotThereCannotBeDeleted(t *testing.T) {
	t.Parallel()
	remove := DeleteAgent{AgentID: eliza}
	When(Given(), remove).ThenFails(t, ErrNotFound, "agent "+eliza.String()+" not found")
	When(Given(elizaCreated, elizaDeleted), remove).ThenFails(t, ErrNotFound)
}
