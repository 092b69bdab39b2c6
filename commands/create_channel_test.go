package commands_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestAChannelIsCreatedAsAskedForWithEachParticipantOnce(t *testing.T) {
	t.Parallel()
	create := CreateChannel{
		ChannelID: lobby, ServerID: guild, Name: "Lobby", Type: "GROUP", SourceType: "discord", SourceID: "c-1",
		Topic: "anything", Metadata: json.RawMessage(`{"n":1.50}`), Participants: []uuid.UUID{bob, alice, bob, eliza, alice},
	}
	When(Given(guildCreated), create).Then(t, events.ChannelCreated{
		ChannelID: lobby, ServerID: guild, Name: "Lobby", Type: "GROUP", SourceType: "discord", SourceID: "c-1",
		Topic: "anything", Metadata: json.RawMessage(`{"n":1.50}`), Participants: []uuid.UUID{bob, alice, eliza},
	})
}

func TestAChannelThatExistsStaysAsItIs(t *testing.T) {
	t.Parallel()
	When(Given(homeCreated, lobbyCreated), CreateChannel{ChannelID: lobby, Name: "Another"}).Then(t)
}

func TestAChannelThatWasDeletedIsCreatedAnewWithoutItsParticipants(t *testing.T) {
	t.Parallel()
	past := Given(homeCreated, lobbyCreated, lobbyDeleted)
	created := events.ChannelCreated{ChannelID: lobby, Name: "Lobby", Type: "GROUP"}
	When(past, CreateChannel{ChannelID: lobby, Name: "Lobby", Type: "GROUP"}).Then(t, created)
	When(past.And(created), JoinChannel{ChannelID: lobby, ParticipantID: alice}).
		Then(t, events.ParticipantJoined{ChannelID: lobby, ParticipantID: alice})
}

func TestAChannelNeedsAServer(t *testing.T) {
	t.Parallel()
	When(unknown, CreateChannel{ChannelID: lobby, ServerID: guild}).ThenFails(t, ErrNotFound, "server "+guild.String()+" not found")
}
