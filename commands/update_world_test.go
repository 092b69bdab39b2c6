package commands_test

import (
	"encoding/json"
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestNameAndMembersOfTheMetadataOfAWorldChange(t *testing.T) {
	t.Parallel()
	past, name := Given(elizaCreated, realmCreated), "Empire"
	When(past, UpdateWorld{WorldID: realm, AgentID: eliza, Name: &name}).
		Then(t, events.WorldUpdated{WorldID: realm, AgentID: eliza, Name: name, Metadata: realmCreated.Metadata})
	When(past, UpdateWorld{WorldID: realm, AgentID: eliza, Metadata: json.RawMessage(`{"b":{"c":3}}`)}).
		Then(t, events.WorldUpdated{WorldID: realm, AgentID: eliza, Name: "Realm", Metadata: json.RawMessage(`{"a":1,"b":{"c":3}}`)})
	When(past, UpdateWorld{WorldID: realm, AgentID: eliza, Metadata: json.RawMessage(`{"b":2}`)}).Then(t)
	When(past, UpdateWorld{WorldID: realm, AgentID: eliza, Metadata: json.RawMessage(`[]`)}).ThenFails(t, ErrRefused)
}

func TestAWorldThatIsNotTheAgentsCannotBeUpdated(t *testing.T) {
	t.Parallel()
	name := "Empire"
	update := UpdateWorld{WorldID: realm, AgentID: eliza, Name: &name}
	When(Given(elizaCreated), update).ThenFails(t, ErrNotFound, "world "+realm.String()+" not found")
	When(Given(elizaCreated, realmCreated, realmDeleted), update).ThenFails(t, ErrNotFound)
	When(Given(elizaCreated, realmCreated), UpdateWorld{WorldID: realm, AgentID: parry, Name: &name}).ThenFails(t, ErrNotFound)
}

func TestAWorldIsClearedAndDeleted(t *testing.T) {
	t.Parallel()
	When(house, ClearWorld{WorldID: realm}).Then(t, realmCleared)
	When(house, DeleteWorld{WorldID: realm}).Then(t, realmDeleted)
	When(house.And(realmDeleted), DeleteWorld{WorldID: realm}).Then(t)
	When(house.And(realmDeleted), ClearWorld{WorldID: realm}).Then(t)
	When(unknown, DeleteWorld{WorldID: realm}).Then(t)
}
