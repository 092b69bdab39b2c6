package commands_test

import (
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	"annals/events"
)

func TestAFoldOfAChannelThatGoesOnLeavesTheOneItCameFromAlone(t *testing.T) {
	t.Parallel()
	roomy := append(make([]uuid.UUID, 0, 8), alice, eliza)
	before := Channel{}.Apply(events.Recorded{Event: events.ChannelCreated{ChannelID: lobby, Participants: roomy}})
	joins := func(who uuid.UUID) Channel {
		return before.Apply(events.Recorded{Event: events.ParticipantJoined{ChannelID: lobby, ParticipantID: who}})
	}
	withBob, withParry := joins(bob), joins(parry)
	withoutAlice := withBob.Apply(events.Recorded{Event: events.ParticipantLeft{ChannelID: lobby, ParticipantID: alice}})
	sameIDs(t, "those before", before.Participants, alice, eliza)
	sameIDs(t, "those with Bob", withBob.Participants, alice, eliza, bob)
	sameIDs(t, "those with Parry", withParry.Participants, alice, eliza, parry)
	sameIDs(t, "those without Alice", withoutAlice.Participants, eliza, bob)
}
