package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

var guildDeleted = events.ServerDeleted{ServerID: guild}

func TestAServerIsDeletedOnce(t *testing.T) {
	t.Parallel()
	When(Given(guildCreated), DeleteServer{ServerID: guild}).Then(t, guildDeleted)
	When(Given(guildCreated, guildDeleted), DeleteServer{ServerID: guild}).Then(t)
	When(unknown, DeleteServer{ServerID: guild}).ThenFails(t, ErrNotFound, "server "+guild.String()+" not found")
}

func TestTheDefaultServerStays(t *testing.T) {
	t.Parallel()
	When(unknown, DeleteServer{ServerID: events.DefaultServer}).ThenFails(t, ErrRefused, "the default server cannot be deleted")
}

func TestNothingIsMadeInAServerThatWasDeleted(t *testing.T) {
	t.Parallel()
	past := Given(guildCreated, guildDeleted, elizaCreated)
	When(past, CreateChannel{ChannelID: lobby, ServerID: guild}).ThenFails(t, ErrNotFound, "server "+guild.String()+" not found")
	When(past, JoinServer{ServerID: guild, AgentID: eliza}).ThenFails(t, ErrNotFound, "server "+guild.String()+" not found")
}

func TestAServerThatWasDeletedCanBeCreatedAgain(t *testing.T) {
	t.Parallel()
	again := CreateServer{ServerID: guild, Name: "Guild", SourceType: "discord", SourceID: "g-1"}
	When(Given(guildCreated, guildDeleted), again).Then(t, guildCreated)
	When(Given(guildCreated, guildDeleted, guildCreated), DeleteServer{ServerID: guild}).Then(t, guildDeleted)
}
