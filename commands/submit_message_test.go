package commands_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

// lobbyOpen is a channel in which Alice and the agent Eliza, who does not run, take part.
var lobbyOpen = Given(homeCreated, lobbyCreated, elizaCreated)

// sayHello is the wish that helloSaid fulfils.
func sayHello() SubmitMessage {
	return SubmitMessage{MessageID: hello, ChannelID: lobby, AuthorID: alice, Content: "Hello."}
}

func TestAMessageIsRecordedAsItWasSaid(t *testing.T) {
	t.Parallel()
	said := events.MessageSubmitted{
		MessageID: hello, ChannelID: lobby, AuthorID: alice, AuthorName: "Alice", Content: "Hello.",
		RawMessage: json.RawMessage(`{"text":"Hello."}`), Metadata: json.RawMessage(`{"mood":1.0}`),
		SourceType: "eliza_gui", SourceID: "g-1", InReplyTo: guild,
	}
	When(lobbyOpen, SubmitMessage{
		MessageID: hello, ChannelID: lobby, AuthorID: alice, AuthorName: "Alice", Content: "Hello.",
		RawMessage: said.RawMessage, Metadata: said.Metadata, SourceType: "eliza_gui", SourceID: "g-1", InReplyTo: guild,
	}).Then(t, said)
}

func TestTheAudienceIsEveryRunningAgentThatTakesPart(t *testing.T) {
	t.Parallel()
	parryJoined := events.ParticipantJoined{ChannelID: lobby, ParticipantID: parry}
	heardBy := func(agents ...uuid.UUID) events.MessageSubmitted {
		said := helloSaid
		said.Audience = agents
		return said
	}
	open := lobbyOpen.And(events.AgentCreated{AgentID: parry}, events.AgentStarted{AgentID: parry})
	When(open, sayHello()).Then(t, heardBy())
	When(open.And(elizaStarted), sayHello()).Then(t, heardBy(eliza))
	When(open.And(elizaStarted, parryJoined), sayHello()).Then(t, heardBy(eliza, parry))
	When(open.And(elizaStarted, elizaStopped, parryJoined), sayHello()).Then(t, heardBy(parry))
	When(open.And(elizaStarted, events.ParticipantLeft{ChannelID: lobby, ParticipantID: eliza}), sayHello()).Then(t, heardBy())
}

func TestAnAgentIsNotItsOwnAudience(t *testing.T) {
	t.Parallel()
	said := events.MessageSubmitted{MessageID: hello, ChannelID: lobby, AuthorID: eliza, Content: "How do you do.", ByAgent: true}
	say := SubmitMessage{MessageID: hello, ChannelID: lobby, AuthorID: eliza, Content: "How do you do."}
	When(lobbyOpen.And(elizaStarted), say).Then(t, said)
}

func TestAnAgentHearsAServerOnlyWhenItJoinedIt(t *testing.T) {
	t.Parallel()
	inGuild := sayHello()
	inGuild.ServerID = guild
	said := helloSaid
	said.ServerID = guild
	past := lobbyOpen.And(elizaStarted, guildCreated)
	When(past, inGuild).Then(t, said)
	past = past.And(events.AgentJoinedServer{ServerID: guild, AgentID: eliza})
	said.Audience = []uuid.UUID{eliza}
	When(past, inGuild).Then(t, said)
	past = past.And(events.AgentLeftServer{ServerID: guild, AgentID: eliza})
	said.Audience = nil
	When(past, inGuild).Then(t, said)
}

func TestAMessageNeedsAChannel(t *testing.T) {
	t.Parallel()
	When(unknown, sayHello()).ThenFails(t, ErrNotFound, "channel "+lobby.String()+" not found")
	When(lobbyOpen.And(lobbyDeleted), sayHello()).ThenFails(t, ErrNotFound, "channel")
}

func TestAMessageMayNameAServerThatNobodyKnows(t *testing.T) {
	t.Parallel()
	elsewhere, said := sayHello(), helloSaid
	elsewhere.ServerID, said.ServerID = guild, guild
	When(lobbyOpen.And(elizaStarted), elsewhere).Then(t, said) // and nobody hears it
}

func TestTheSameMessageAgainIsThereAlready(t *testing.T) {
	t.Parallel()
	other := sayHello()
	other.Content = "Something else."
	When(lobbyOpen.And(helloSaid), sayHello()).Then(t)
	When(lobbyOpen.And(helloSaid), other).Then(t)
}

func TestWhatWasSaidInADeletedChannelIsNotThere(t *testing.T) {
	t.Parallel()
	past := lobbyOpen.And(lobbyDeleted, helloSaid) // it was admitted before
	edited := "Hello again."
	When(past, EditMessage{MessageID: hello, Content: &edited}).ThenFails(t, ErrNotFound)
	When(past, sayHello()).ThenFails(t, ErrNotFound, "channel")
	When(past.And(lobbyCreated), EditMessage{MessageID: hello, Content: &edited}).ThenFails(t, ErrNotFound)
	When(past.And(lobbyCreated), sayHello()).Then(t, helloSaid)
}

func TestAChannelIsGoneWithItsServer(t *testing.T) {
	t.Parallel()
	there := events.ChannelCreated{ChannelID: lobby, ServerID: guild, NamedBy: alice, Participants: []uuid.UUID{alice}}
	create := CreateChannel{ChannelID: lobby, ServerID: guild, Participants: []uuid.UUID{alice}}
	past := Given(homeCreated, guildCreated, there, helloSaid, guildDeleted)
	for _, gone := range []History{past, Given(homeCreated, guildCreated, guildDeleted, there), past.And(guildCreated)} {
		When(gone, sayHello()).ThenFails(t, ErrNotFound, "channel")
		When(gone, JoinChannel{ChannelID: lobby, ParticipantID: bob}).ThenFails(t, ErrNotFound, "channel")
		When(gone, DeleteChannel{ChannelID: lobby}).Then(t, lobbyDeleted) // for the read models, which keep it until then
	}
	past = past.And(guildCreated)
	When(past, create).Then(t, there)
	When(past.And(there), create).Then(t)
	When(past.And(there), sayHello()).Then(t, helloSaid) // the first one is gone
}

func TestAMessageIsInOneChannel(t *testing.T) {
	t.Parallel()
	elsewhere := sayHello()
	elsewhere.ChannelID = cafe
	past := lobbyOpen.And(helloSaid, events.ChannelCreated{ChannelID: cafe})
	When(past, elsewhere).ThenFails(t, ErrRefused, "message "+hello.String(), "it is in channel "+lobby.String())
	moved := helloSaid
	moved.ChannelID = cafe
	When(past.And(helloDeleted), elsewhere).Then(t, moved)
}

func TestWhatIsGoneCanBeSaidAgainUnderTheSameID(t *testing.T) {
	t.Parallel()
	for way, gone := range map[string]History{
		"deleted":                             {helloDeleted},
		"cleared":                             {lobbyCleared},
		"its channel deleted and made anew":   {lobbyDeleted, lobbyCreated},
		"deleted, said again and cleared":     {helloDeleted, helloSaid, lobbyCleared},
		"cleared, and its channel made anew":  {lobbyCleared, lobbyDeleted, lobbyCreated},
		"cleared, said again and then gone":   {lobbyCleared, helloSaid, helloDeleted},
		"edited, and its channel was cleared": {events.MessageEdited{MessageID: hello, ChannelID: lobby, AuthorID: alice, Content: "?"}, lobbyCleared},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			past := lobbyOpen.And(helloSaid).And(gone...)
			When(past, sayHello()).Then(t, helloSaid)
			When(past.And(helloSaid), sayHello()).Then(t)
		})
	}
}
