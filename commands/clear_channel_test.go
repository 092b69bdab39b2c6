package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
)

func TestClearingAChannelIsOneFactHoweverManyMessages(t *testing.T) {
	t.Parallel()
	When(Given(lobbyCreated, helloSaid), ClearChannel{ChannelID: lobby}).Then(t, lobbyCleared)
	// Nobody knows here whether something was said in between.
	When(Given(lobbyCreated, helloSaid, lobbyCleared), ClearChannel{ChannelID: lobby}).Then(t, lobbyCleared)
}

func TestAChannelThatIsNotThereCannotBeCleared(t *testing.T) {
	t.Parallel()
	When(unknown, ClearChannel{ChannelID: lobby}).ThenFails(t, ErrNotFound, "channel "+lobby.String()+" not found")
	When(Given(lobbyCreated, lobbyDeleted), ClearChannel{ChannelID: lobby}).ThenFails(t, ErrNotFound)
}
