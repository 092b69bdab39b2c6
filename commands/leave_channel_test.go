package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestWhoTakesPartLeaves(t *testing.T) {
	t.Parallel()
	When(Given(lobbyCreated), LeaveChannel{ChannelID: lobby, ParticipantID: alice}).
		Then(t, events.ParticipantLeft{ChannelID: lobby, ParticipantID: alice})
}

func TestWhoDoesNotTakePartCannotLeave(t *testing.T) {
	t.Parallel()
	left := events.ParticipantLeft{ChannelID: lobby, ParticipantID: alice}
	words := "participant " + alice.String() + " of channel " + lobby.String() + " not found"
	When(Given(lobbyCreated, left), LeaveChannel{ChannelID: lobby, ParticipantID: alice}).ThenFails(t, ErrNotFound, words)
	When(Given(lobbyCreated), LeaveChannel{ChannelID: lobby, ParticipantID: bob}).ThenFails(t, ErrNotFound, "participant")
	When(unknown, LeaveChannel{ChannelID: lobby, ParticipantID: alice}).ThenFails(t, ErrNotFound, "channel "+lobby.String()+" not found")
}
