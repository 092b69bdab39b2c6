package commands_test

import (
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func createStudy() CreateRoom {
	return CreateRoom{RoomID: study, AgentID: eliza, WorldID: realm, Name: "Study", Type: "DM", Source: "client", Entities: []uuid.UUID{eliza, eliza}}
}

func TestARoomIsCreatedOnce(t *testing.T) {
	t.Parallel()
	past := Given(elizaCreated, realmCreated)
	When(past, createStudy()).Then(t, studyCreated)
	When(past.And(studyCreated), createStudy()).Then(t)
	When(past.And(studyCreated, studyDeleted), createStudy()).Then(t, studyCreated)
}

func TestARoomNeedsItsAgentAndItsWorld(t *testing.T) {
	t.Parallel()
	When(unknown, createStudy()).ThenFails(t, ErrNotFound, "agent")
	When(Given(elizaCreated), createStudy()).ThenFails(t, ErrNotFound, "world")
	When(Given(elizaCreated, realmCreated, realmDeleted), createStudy()).ThenFails(t, ErrNotFound, "world")
	room := createStudy()
	room.AgentID = parry
	When(house.And(events.AgentCreated{AgentID: parry, Character: doctor}), room).ThenFails(t, ErrRefused, "another agent")
}

func TestARoomGoesWithWhatItBelongsTo(t *testing.T) {
	t.Parallel()
	join := JoinRoom{RoomID: parlor, AgentID: eliza, EntityID: alice}
	joined := events.RoomJoined{RoomID: parlor, AgentID: eliza, EntityID: alice}
	past := house.And(lobbyCreated, parlorCreated)
	When(past, join).Then(t, joined)
	When(past.And(joined), join).Then(t)
	When(past.And(lobbyCleared, realmCleared, elizaForgot), join).Then(t, joined)
	for _, end := range []events.Event{lobbyDeleted, realmDeleted, elizaDeleted, events.RoomDeleted{RoomID: parlor, AgentID: eliza}} {
		When(past.And(end), join).ThenFails(t, ErrNotFound, "room")
	}
	When(past, JoinRoom{RoomID: parlor, AgentID: parry, EntityID: alice}).ThenFails(t, ErrNotFound, "room")
}

func TestARoomIsClearedForItsAgentAlone(t *testing.T) {
	t.Parallel()
	When(house, ClearRoom{RoomID: study, AgentID: eliza}).Then(t, studyCleared)
	When(house, ClearRoom{RoomID: study, AgentID: parry}).ThenFails(t, ErrNotFound, "agent")
	two := house.And(events.AgentCreated{AgentID: parry, Character: doctor})
	When(two, ClearRoom{RoomID: study, AgentID: parry}).ThenFails(t, ErrNotFound, "room")
	When(two, ClearRoom{RoomID: parlor, AgentID: eliza}).Then(t)
	When(unknown, ClearRoom{RoomID: study, AgentID: eliza}).ThenFails(t, ErrNotFound, "agent")
}
