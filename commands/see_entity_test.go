package commands_test

import (
	"encoding/json"
	"strconv"
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func aliceSeen(names ...string) events.EntitySeen {
	return events.EntitySeen{EntityID: bob, AgentID: eliza, SubjectID: alice, Names: names}
}

func seeAlice(name string) SeeEntity {
	return SeeEntity{EntityID: bob, AgentID: eliza, SubjectID: alice, Names: []string{name}}
}

func TestAnEntityIsKnownByEveryNameThatItWasSeenUnder(t *testing.T) {
	t.Parallel()
	When(Given(elizaCreated), seeAlice("Alice")).Then(t, aliceSeen("Alice"))
	When(Given(elizaCreated, aliceSeen("Alice")), seeAlice("Alice")).Then(t)
	When(Given(elizaCreated, aliceSeen("Alice")), seeAlice("")).Then(t)
	When(Given(elizaCreated, aliceSeen("Alice")), seeAlice("Ally")).Then(t, aliceSeen("Alice", "Ally"))
	described := seeAlice("Alice")
	described.Metadata = json.RawMessage(`{"tall":true}`)
	seen := aliceSeen("Alice")
	seen.Metadata = described.Metadata
	When(Given(elizaCreated, aliceSeen("Alice")), described).Then(t, seen)
}

func TestTheNamesOfAnEntityAreBounded(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 10 {
		names = append(names, strconv.Itoa(i))
	}
	want := append(names[:9:9], "new")
	When(Given(elizaCreated, aliceSeen(names...)), seeAlice("new")).Then(t, aliceSeen(want...))
}

func TestAnEntityIsKnownToOneAgent(t *testing.T) {
	t.Parallel()
	When(unknown, seeAlice("Alice")).ThenFails(t, ErrNotFound, "agent")
	other := aliceSeen("Alice")
	other.AgentID = parry
	parryCreated := events.AgentCreated{AgentID: parry, Character: doctor}
	past := Given(elizaCreated, parryCreated, other)
	When(past, seeAlice("Alice")).ThenFails(t, ErrRefused, "another agent")
	When(past.And(events.AgentDeleted{AgentID: parry}), seeAlice("Alice")).Then(t, aliceSeen("Alice"))
	When(Given(elizaCreated, aliceSeen("Alice", "Ally"), elizaDeleted, elizaCreated), seeAlice("Alice")).Then(t, aliceSeen("Alice"))
}
