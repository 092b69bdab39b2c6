package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
)

func TestAChannelIsDeletedOnce(t *testing.T) {
	t.Parallel()
	remove := DeleteChannel{ChannelID: lobby}
	When(Given(lobbyCreated, helloSaid), remove).Then(t, lobbyDeleted)
	When(Given(lobbyCreated, lobbyDeleted), remove).Then(t)
	When(unknown, remove).Then(t)
}
