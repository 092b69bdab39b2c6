package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
)

func TestAMessageIsDeletedOnce(t *testing.T) {
	t.Parallel()
	past := lobbyOpen.And(helloSaid)
	When(past, DeleteMessage{MessageID: hello}).Then(t, helloDeleted)
	When(past, DeleteMessage{MessageID: hello, ChannelID: lobby}).Then(t, helloDeleted)
	When(past.And(helloDeleted), DeleteMessage{MessageID: hello}).Then(t)
	When(lobbyOpen, DeleteMessage{MessageID: hello}).Then(t)
}

func TestAMessageThatWentWithItsChannelsMessagesIsDeletedAlready(t *testing.T) {
	t.Parallel()
	remove := DeleteMessage{MessageID: hello, ChannelID: lobby}
	When(lobbyOpen.And(helloSaid, lobbyCleared), remove).Then(t)
	When(lobbyOpen.And(helloSaid, lobbyDeleted), remove).Then(t)
	When(lobbyOpen.And(helloSaid, lobbyCleared, helloSaid), remove).Then(t, helloDeleted)
}

func TestAMessageIsNotFoundInAnotherChannel(t *testing.T) {
	t.Parallel()
	remove := DeleteMessage{MessageID: hello, ChannelID: cafe}
	When(lobbyOpen.And(helloSaid), remove).ThenFails(t, ErrNotFound, "message "+hello.String()+" not found")
}
