package commands_test

import (
	"encoding/json"
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestWhatIsGivenOfAMemoryChangesAndTheRestStays(t *testing.T) {
	t.Parallel()
	past := house.And(noteStored)
	When(past, UpdateMemory{MemoryID: note, AgentID: eliza, Metadata: json.RawMessage(`{"b":2}`)}).
		Then(t, events.MemoryUpdated{MemoryID: note, AgentID: eliza, SubjectID: alice, Content: noteStored.Content, Metadata: json.RawMessage(`{"b":2}`)})
	When(past, UpdateMemory{MemoryID: note, AgentID: eliza}).Then(t)
	When(past, UpdateMemory{MemoryID: note, AgentID: eliza, Content: json.RawMessage(`{ "text": "tea" }`)}).Then(t)
	When(past, UpdateMemory{MemoryID: note, AgentID: eliza, Content: json.RawMessage(`"coffee"`)}).ThenFails(t, ErrRefused, "no object")
	v := make([]float32, 384)
	v[0] = 1
	When(past, UpdateMemory{MemoryID: note, AgentID: eliza, Vector: GivenVector{Numbers: v}}).Then(t, events.MemoryEmbedded{
		MemoryID: note, AgentID: eliza, SubjectID: alice, Model: events.ModelGiven, Dimensions: 384, Vector: events.PackVector(v),
		TextHash: events.HashText("tea"),
	})
	When(past, UpdateMemory{MemoryID: note, AgentID: eliza, Vector: GivenVector{Numbers: v[:1]}}).ThenFails(t, events.ErrInvalid)
}

func TestAMemoryOfAnotherAgentIsNotThere(t *testing.T) {
	t.Parallel()
	past := house.And(noteStored, events.AgentCreated{AgentID: parry, Character: doctor})
	When(past, UpdateMemory{MemoryID: note, AgentID: parry, Metadata: json.RawMessage(`{}`)}).ThenFails(t, ErrNotFound)
	When(past, DeleteMemory{MemoryID: note, AgentID: parry}).ThenFails(t, ErrNotFound)
	When(past, DeleteMemory{MemoryID: note, AgentID: eliza}).Then(t, noteDeleted)
	When(unknown, DeleteMemory{MemoryID: note, AgentID: eliza}).Then(t)
}

func TestAnAgentsMemoriesAreClearedByOneFact(t *testing.T) {
	t.Parallel()
	When(house.And(noteStored), ClearMemories{AgentID: eliza}).Then(t, elizaForgot)
	When(unknown, ClearMemories{AgentID: eliza}).ThenFails(t, ErrNotFound, "agent")
}
