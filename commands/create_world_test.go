package commands_test

import (
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func createRealm() CreateWorld {
	return CreateWorld{WorldID: realm, AgentID: eliza, ServerID: "s", Name: "Realm", Metadata: realmCreated.Metadata}
}

func TestAWorldIsCreatedOnce(t *testing.T) {
	t.Parallel()
	When(Given(elizaCreated), createRealm()).Then(t, realmCreated)
	When(Given(elizaCreated, realmCreated), createRealm()).Then(t)
	When(Given(elizaCreated, realmCreated, realmDeleted), createRealm()).Then(t, realmCreated)
}

func TestAWorldGoesWithItsAgent(t *testing.T) {
	t.Parallel()
	When(unknown, createRealm()).ThenFails(t, ErrNotFound, "agent")
	When(Given(elizaCreated, realmCreated, elizaDeleted, elizaCreated), createRealm()).Then(t, realmCreated)
}

func TestAgentsMayShareAWorld(t *testing.T) {
	t.Parallel()
	parryCreated := events.AgentCreated{AgentID: parry, Character: doctor}
	When(Given(elizaCreated, realmCreated, parryCreated), CreateWorld{WorldID: realm, AgentID: parry, Name: "Other"}).Then(t)
}
