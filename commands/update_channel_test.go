package commands_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestWhatIsGivenOfAChannelChangesAndTheRestStays(t *testing.T) {
	t.Parallel()
	metadata, name := json.RawMessage(`{"a":1,"b":{"c":[2]}}`), "Hall"
	past := Given(lobbyCreated, events.ChannelUpdated{ChannelID: lobby, Name: "Lobby", Metadata: metadata})
	When(past, UpdateChannel{ChannelID: lobby, Name: &name}).
		Then(t, events.ChannelUpdated{ChannelID: lobby, Name: "Hall", Metadata: metadata})
	When(past, UpdateChannel{ChannelID: lobby, Metadata: json.RawMessage(`{"z":1}`)}).
		Then(t, events.ChannelUpdated{ChannelID: lobby, Name: "Lobby", Metadata: json.RawMessage(`{"z":1}`)})
}

func TestAChannelThatIsSoAlreadyIsNotUpdated(t *testing.T) {
	t.Parallel()
	name, same := "Lobby", []uuid.UUID{eliza, alice, eliza}
	past := Given(lobbyCreated, events.ChannelUpdated{ChannelID: lobby, Name: name, Metadata: json.RawMessage(`{"a":1,"b":"<é>"}`)})
	When(past, UpdateChannel{ChannelID: lobby}).Then(t)
	metadata := json.RawMessage(`{ "b": "\u003c\u00e9>", "a": 1 }`)
	When(past, UpdateChannel{ChannelID: lobby, Name: &name, Participants: &same, Metadata: metadata}).Then(t)
}

func TestParticipantsAreReplacedByWhoIsMissingAndWhoIsNew(t *testing.T) {
	t.Parallel()
	wanted := []uuid.UUID{bob, eliza, bob}
	left := events.ParticipantLeft{ChannelID: lobby, ParticipantID: alice}
	joined := events.ParticipantJoined{ChannelID: lobby, ParticipantID: bob}
	update := UpdateChannel{ChannelID: lobby, Participants: &wanted}
	updated := events.ChannelUpdated{ChannelID: lobby, Name: lobbyCreated.Name, Metadata: lobbyCreated.Metadata}
	When(Given(lobbyCreated), update).Then(t, updated, left, joined)
	When(Given(lobbyCreated, left, joined), update).Then(t)
	When(Given(lobbyCreated), UpdateChannel{ChannelID: lobby, Participants: &[]uuid.UUID{}}).
		Then(t, updated, left, events.ParticipantLeft{ChannelID: lobby, ParticipantID: eliza})
}

func TestAChannelThatIsNotThereCannotBeUpdated(t *testing.T) {
	t.Parallel()
	When(unknown, UpdateChannel{ChannelID: lobby}).ThenFails(t, ErrNotFound, "channel "+lobby.String()+" not found")
	When(Given(lobbyCreated, lobbyDeleted), UpdateChannel{ChannelID: lobby}).ThenFails(t, ErrNotFound)
}
