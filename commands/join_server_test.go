package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestAnAgentJoinsAServerOnce(t *testing.T) {
	t.Parallel()
	join, joined := JoinServer{ServerID: guild, AgentID: eliza}, events.AgentJoinedServer{ServerID: guild, AgentID: eliza}
	past := Given(guildCreated, elizaCreated)
	When(past, join).Then(t, joined)
	When(past.And(joined), join).Then(t)
	When(past.And(joined, events.AgentLeftServer{ServerID: guild, AgentID: eliza}), join).Then(t, joined)
}

func TestOnlyAnAgentThatExistsJoinsAServerThatExists(t *testing.T) {
	t.Parallel()
	join := JoinServer{ServerID: guild, AgentID: eliza}
	When(Given(elizaCreated), join).ThenFails(t, ErrNotFound, "server "+guild.String()+" not found")
	When(Given(guildCreated), join).ThenFails(t, ErrNotFound, "agent "+eliza.String()+" not found")
	When(Given(guildCreated, elizaCreated, elizaDeleted), join).ThenFails(t, ErrNotFound, "agent")
}
