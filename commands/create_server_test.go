package commands_test

import (
	"encoding/json"
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestTheDefaultServerIsTheOneThatElizaOSSeeds(t *testing.T) {
	t.Parallel()
	When(Given(), DefaultServer()).Then(t, homeCreated)
	When(Given(homeCreated), DefaultServer()).Then(t)
}

func TestAServerIsCreatedAsAskedFor(t *testing.T) {
	t.Parallel()
	metadata := json.RawMessage(`{"region":"eu"}`)
	create := CreateServer{ServerID: guild, Name: "Guild", SourceType: "discord", SourceID: "g-1", Metadata: metadata}
	When(unknown, create).Then(t, events.ServerCreated{
		ServerID: guild, Name: "Guild", SourceType: "discord", SourceID: "g-1", Metadata: metadata,
	})
}

func TestAServerThatExistsStaysAsItIs(t *testing.T) {
	t.Parallel()
	When(Given(guildCreated), CreateServer{ServerID: guild, Name: "Another"}).Then(t)
}
