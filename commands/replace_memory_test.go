package commands_test

import (
	"encoding/json"
	"testing"
	"time"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestAMemoryIsReplacedByWhatDiffers(t *testing.T) {
	t.Parallel()
	same := ReplaceMemory{storeNote()}
	When(house, same).Then(t, noteStored)
	When(house.And(noteStored), same).Then(t)
	When(house.And(noteStored, noteDeleted), same).Then(t, noteStored)

	other := same
	other.Content = json.RawMessage(`{"text":"Another text."}`)
	When(house.And(noteStored), other).Then(t, events.MemoryUpdated{
		MemoryID: note, AgentID: eliza, SubjectID: alice, Content: other.Content, Metadata: noteStored.Metadata,
	})
	moved, movedTo := same, noteStored
	moved.Table, movedTo.Table = "messages", "messages"
	When(house.And(noteStored), moved).Then(t, noteDeleted, movedTo)
	earlier, then := same, noteStored
	earlier.At = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	then.At = earlier.At
	When(house.And(noteStored), earlier).Then(t, noteDeleted, then)
}

func TestAVectorIsReplacedByAnotherAlone(t *testing.T) {
	t.Parallel()
	with := ReplaceMemory{storeNote()}
	with.Vector = GivenVector{Numbers: make([]float32, 384), Model: "m"}
	with.Vector.Numbers[0] = 1
	text := events.MemoryText(noteStored.Content)
	embedded := events.MemoryEmbedded{
		MemoryID: note, AgentID: eliza, SubjectID: alice, Model: "m", Dimensions: 384, Vector: events.PackVector(with.Vector.Numbers), TextHash: events.HashText(text),
	}
	When(house.And(noteStored), with).Then(t, embedded)
	When(house.And(noteStored, embedded), with).Then(t)
}

func TestNothingReplacesAMemoryOfAnotherAgentOrOneByAFragmentOfNothing(t *testing.T) {
	t.Parallel()
	lost := ReplaceMemory{storeNote()}
	lost.DocumentID = hello
	When(house.And(noteStored), lost).ThenFails(t, ErrNotFound, "memory")
	foreign := ReplaceMemory{storeNote()}
	foreign.AgentID = parry
	foreign.RoomID = cafe
	parryCreated := events.AgentCreated{AgentID: parry, Character: doctor}
	room := events.RoomCreated{RoomID: cafe, AgentID: parry, Type: "DM"}
	When(house.And(parryCreated, room, noteStored), foreign).ThenFails(t, ErrRefused, "another agent")
}

func TestSomebodyWhoIsKnownStaysWhereOnlyNewOnesAreMeant(t *testing.T) {
	t.Parallel()
	seen := events.EntitySeen{EntityID: alice, AgentID: eliza, SubjectID: alice, Names: []string{"Alice"}}
	see := SeeEntity{EntityID: alice, AgentID: eliza, SubjectID: alice, Names: []string{"Alice", "Al"}, OnlyNew: true}
	When(Given(elizaCreated, seen), see).Then(t)
	first := seen
	first.Names = see.Names
	When(Given(elizaCreated), see).Then(t, first)
}
