package commands_test

import (
	"encoding/json"

	"github.com/google/uuid"

	. "annals/commands/commandstest"
	"annals/events"
)

// Who and what the tests of this package are about.
var (
	alice = uuid.MustParse("a11ce000-0000-4000-8000-000000000000") // a person
	bob   = uuid.MustParse("b0b00000-0000-4000-8000-000000000000") // another
	eliza = events.StringToUUID("Eliza")                           // an agent
	parry = events.StringToUUID("Parry")                           // another
	guild = uuid.MustParse("60110000-0000-4000-8000-000000000000") // a server
	lobby = uuid.MustParse("10bb4000-0000-4000-8000-000000000000") // a channel of the default server
	cafe  = uuid.MustParse("cafe0000-0000-4000-8000-000000000000") // another
	hello = uuid.MustParse("4e110000-0000-4000-8000-000000000000") // a message
)

// What has happened in most of them.
var (
	doctor       = events.Character{Name: "Eliza", Bio: json.RawMessage(`["listens"]`)}
	elizaCreated = events.AgentCreated{AgentID: eliza, Character: doctor}
	elizaStarted = events.AgentStarted{AgentID: eliza}
	elizaStopped = events.AgentStopped{AgentID: eliza}
	elizaDeleted = events.AgentDeleted{AgentID: eliza}
	homeCreated  = events.ServerCreated{ServerID: events.DefaultServer, Name: "Default Server", SourceType: "eliza_default"}
	guildCreated = events.ServerCreated{ServerID: guild, Name: "Guild", SourceType: "discord", SourceID: "g-1"}
	lobbyCreated = events.ChannelCreated{ChannelID: lobby, Name: "Lobby", Type: "GROUP", Participants: []uuid.UUID{alice, eliza}}
	lobbyCleared = events.ChannelCleared{ChannelID: lobby}
	lobbyDeleted = events.ChannelDeleted{ChannelID: lobby}
	helloSaid    = events.MessageSubmitted{MessageID: hello, ChannelID: lobby, AuthorID: alice, Content: "Hello."}
	helloDeleted = events.MessageDeleted{MessageID: hello, ChannelID: lobby}
)

// unknown holds nothing that any test asks for, in a log that has its default server.
var unknown = Given(homeCreated)
