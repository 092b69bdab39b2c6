package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestSomebodyJoinsAChannelOnce(t *testing.T) {
	t.Parallel()
	join, joined := JoinChannel{ChannelID: lobby, ParticipantID: bob}, events.ParticipantJoined{ChannelID: lobby, ParticipantID: bob}
	When(Given(lobbyCreated), join).Then(t, joined)
	When(Given(lobbyCreated, joined), join).Then(t)
	When(Given(lobbyCreated, joined, events.ParticipantLeft{ChannelID: lobby, ParticipantID: bob}), join).Then(t, joined)
	When(Given(lobbyCreated), JoinChannel{ChannelID: lobby, ParticipantID: alice}).Then(t)
}

func TestAChannelThatIsNotThereCannotBeJoined(t *testing.T) {
	t.Parallel()
	When(unknown, JoinChannel{ChannelID: lobby, ParticipantID: bob}).ThenFails(t, ErrNotFound, "channel "+lobby.String()+" not found")
}
