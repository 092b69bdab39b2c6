package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestAnAgentLeavesAServerItIsIn(t *testing.T) {
	t.Parallel()
	joined, left := events.AgentJoinedServer{ServerID: guild, AgentID: eliza}, events.AgentLeftServer{ServerID: guild, AgentID: eliza}
	leave := LeaveServer{ServerID: guild, AgentID: eliza}
	When(Given(guildCreated, joined), leave).Then(t, left)
	When(Given(guildCreated, joined, left), leave).Then(t)
	When(Given(guildCreated, events.AgentJoinedServer{ServerID: guild, AgentID: parry}), leave).Then(t)
}

func TestAServerThatIsNotThereCannotBeLeft(t *testing.T) {
	t.Parallel()
	When(unknown, LeaveServer{ServerID: guild, AgentID: eliza}).ThenFails(t, ErrNotFound, "server "+guild.String()+" not found")
}
