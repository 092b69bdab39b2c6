package commands_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

var (
	memo       = uuid.MustParse("3e300000-0000-4000-8000-000000000001")
	memoStored = events.MemoryStored{
		MemoryID: memo, AgentID: eliza, SubjectID: alice, Table: "facts", Content: json.RawMessage(`{"text":"Her cat is called Whiskers."}`),
	}
	memoUpdated = events.MemoryUpdated{MemoryID: memo, AgentID: eliza, SubjectID: alice, Content: json.RawMessage(`{"text":"Her dog is called Rex."}`)}
	memoRenamed = events.MemoryUpdated{
		MemoryID: memo, AgentID: eliza, SubjectID: alice, Content: json.RawMessage(`{"text":"Her cat is called Whiskers.","source":"cli"}`),
	}
	memoDeleted = events.MemoryDeleted{MemoryID: memo, AgentID: eliza}
)

const (
	cat = "Her cat is called Whiskers."
	dog = "Her dog is called Rex."
)

func vector(x float32) []float32 {
	v := make([]float32, 384)
	for i := range v {
		v[i] = x
	}
	return v
}

func embedded(model, text string, v []float32) events.MemoryEmbedded {
	return events.MemoryEmbedded{
		MemoryID: memo, AgentID: eliza, SubjectID: alice, Model: model, Dimensions: len(v), Vector: events.PackVector(v),
		TextHash: events.HashText(text),
	}
}

func TestAMemoryIsEmbeddedOnce(t *testing.T) {
	t.Parallel()
	v := vector(0.5)
	embed := EmbedMemory{MemoryID: memo, Model: "small", Vector: v, Text: cat}
	When(Given(memoStored), embed).Then(t, embedded("small", cat, v))
	When(Given(memoStored, embedded("small", cat, v)), embed).Then(t)
	When(Given(memoStored, embedded("small", cat, v), memoRenamed), embed).Then(t)
	When(Given(memoStored, embedded("other", cat, v)), embed).Then(t, embedded("small", cat, v))
	When(Given(memoStored, embedded("small", cat, vector(1)[:256])), embed).Then(t, embedded("small", cat, v))
}

func TestWhatAMemoryRepeatsOutlivesAChangeOfTheModel(t *testing.T) {
	t.Parallel()
	v := vector(0.5)
	embed := EmbedMemory{MemoryID: memo, Model: "small", Vector: v, Text: cat}
	repeat := embedded("old", cat, v)
	repeat.RepeatOf = note
	kept := embedded("small", cat, v)
	kept.RepeatOf = note
	When(Given(memoStored, repeat), embed).Then(t, kept)
	When(Given(memoStored, repeat, memoRenamed), embed).Then(t, kept)
	embed.Text = dog
	When(Given(memoStored, repeat, memoUpdated), embed).Then(t, embedded("small", dog, v))
}

func TestAVectorOfAnOlderTextComesTooLate(t *testing.T) {
	t.Parallel()
	v := vector(0.5)
	late := EmbedMemory{MemoryID: memo, Model: "small", Vector: v, Text: cat}
	When(Given(memoStored, memoUpdated), late).Then(t)
	When(Given(memoStored, memoUpdated), EmbedMemory{MemoryID: memo, Model: "small", Vector: v, Text: dog}).Then(t, embedded("small", dog, v))
	When(Given(memoStored, embedded("small", cat, v), memoUpdated), EmbedMemory{MemoryID: memo, Model: "small", Vector: v, Text: dog}).
		Then(t, embedded("small", dog, v))
	When(Given(memoStored, memoUpdated, embedded("small", cat, v)), EmbedMemory{MemoryID: memo, Model: "small", Vector: v, Text: dog}).
		Then(t, embedded("small", dog, v))
}

func TestAMemoryThatIsGoneGetsNoVector(t *testing.T) {
	t.Parallel()
	embed := EmbedMemory{MemoryID: memo, Model: "small", Vector: vector(0.5), Text: cat}
	When(Given(), embed).Then(t)
	When(Given(memoStored, memoDeleted), embed).Then(t)
	When(Given(memoStored, memoDeleted, memoStored), embed).Then(t, embedded("small", cat, embed.Vector))
}

func TestAClientsVectorStays(t *testing.T) {
	t.Parallel()
	v := vector(0.5)
	given := EmbedMemory{MemoryID: memo, Model: events.ModelGiven, Vector: v, Text: cat}
	When(Given(memoStored), given).Then(t, embedded(events.ModelGiven, cat, v))
	When(Given(memoStored, embedded("small", cat, v)), given).Then(t, embedded(events.ModelGiven, cat, v))
	past := Given(memoStored, embedded(events.ModelGiven, cat, v))
	When(past, EmbedMemory{MemoryID: memo, Model: "small", Vector: v, Text: cat}).Then(t)
	another := EmbedMemory{MemoryID: memo, Model: events.ModelGiven, Vector: vector(0.25), Text: cat}
	When(past, another).Then(t, embedded(events.ModelGiven, cat, another.Vector))
	When(past.And(memoUpdated), EmbedMemory{MemoryID: memo, Model: "small", Vector: v, Text: dog}).Then(t, embedded("small", dog, v))
}

func TestAVectorThatCannotBeSearchedIsRefused(t *testing.T) {
	t.Parallel()
	broken := vector(1)
	broken[7] = float32(math.NaN())
	for _, v := range [][]float32{nil, vector(1)[:100], vector(0), broken} {
		When(Given(memoStored), EmbedMemory{MemoryID: memo, Model: "small", Vector: v, Text: cat}).ThenFails(t, events.ErrInvalid, "the vector is not acceptable")
	}
}
