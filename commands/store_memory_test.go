package commands_test

import (
	"encoding/json"
	"strings"
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func storeNote() StoreMemory {
	return StoreMemory{
		MemoryID: note, AgentID: eliza, RoomID: study, EntityID: alice, Table: "facts", Content: noteStored.Content,
		Metadata: noteStored.Metadata, Unique: true,
	}
}

func TestAMemoryIsStoredOnce(t *testing.T) {
	t.Parallel()
	When(house, storeNote()).Then(t, noteStored)
	When(house.And(noteStored), storeNote()).Then(t)
	When(house.And(noteStored, noteDeleted), storeNote()).Then(t, noteStored)
}

func TestAMemoryNeedsARoomOfItsAgent(t *testing.T) {
	t.Parallel()
	When(unknown, storeNote()).ThenFails(t, ErrNotFound, "agent")
	When(Given(elizaCreated), storeNote()).ThenFails(t, ErrNotFound, "room")
	When(house.And(studyDeleted), storeNote()).ThenFails(t, ErrNotFound, "room")
	parryCreated := events.AgentCreated{AgentID: parry, Character: doctor}
	foreign := storeNote()
	foreign.AgentID = parry
	When(house.And(parryCreated), foreign).ThenFails(t, ErrNotFound, "room")
	foreign.RoomID = cafe
	room := events.RoomCreated{RoomID: cafe, AgentID: parry, Type: "DM"}
	When(house.And(parryCreated, room, noteStored), foreign).ThenFails(t, ErrRefused, "another agent")
}

func TestWhatAClientHasDeletedIsNotLearnedAgain(t *testing.T) {
	t.Parallel()
	learn := storeNote()
	learn.Learned = true
	forgotten := noteDeleted
	forgotten.Forgotten = true
	other := learn
	other.Content = json.RawMessage(`{"text":"coffee"}`)
	otherStored := noteStored
	otherStored.Content = other.Content
	gone := house.And(noteStored, noteDeleted)
	When(gone, learn).Then(t)
	When(gone, other).Then(t, otherStored)
	When(gone, storeNote()).Then(t, noteStored)
	When(gone.And(noteStored), learn).Then(t)
	When(gone.And(elizaForgot), learn).Then(t, noteStored)
	When(gone.And(noteStored, forgotten), learn).Then(t, noteStored)
	When(house.And(noteStored, forgotten), learn).Then(t, noteStored)
	When(house.And(noteStored), DeleteMemory{MemoryID: note, AgentID: eliza, Forgotten: true}).Then(t, forgotten)
}

func TestADocumentIsAMemoryWhoseFragmentsFollow(t *testing.T) {
	t.Parallel()
	add := AddDocument{storeNote()}
	added := events.DocumentAdded{MemoryID: note, AgentID: eliza}
	When(house, add).Then(t, noteStored, added)
	When(house.And(noteStored, added), add).Then(t)
}

func TestWhatIsNoMemoryIsRefused(t *testing.T) {
	t.Parallel()
	for _, content := range []string{``, `null`, `"text"`, `[1]`} {
		broken := storeNote()
		broken.Content = json.RawMessage(content)
		When(house, broken).ThenFails(t, ErrRefused, "no object")
	}
	nowhere := storeNote()
	nowhere.Table = ""
	When(house, nowhere).ThenFails(t, ErrRefused, "no table")
}

func TestAVectorComesWithItsText(t *testing.T) {
	t.Parallel()
	with := storeNote()
	with.Vector.Numbers = make([]float32, 384)
	with.Vector.Numbers[3] = 1
	for named, model := range map[string]string{"": events.ModelGiven, "near": "near"} {
		with.Vector.Model = named
		When(house, with).Then(t, noteStored, events.MemoryEmbedded{
			MemoryID: note, AgentID: eliza, SubjectID: alice, Model: model, Dimensions: 384,
			Vector: events.PackVector(with.Vector.Numbers), TextHash: events.HashText("tea"),
		})
	}
	with.Vector.Model = strings.Repeat("m", 201)
	When(house, with).ThenFails(t, ErrRefused, "200 bytes")
	with.Vector = GivenVector{Numbers: with.Vector.Numbers[:7]}
	When(house, with).ThenFails(t, events.ErrInvalid, "7 numbers")
}

func TestAMemoryIsGoneWithWhatItBelongsTo(t *testing.T) {
	t.Parallel()
	text := json.RawMessage(`{"text":"coffee"}`)
	update := UpdateMemory{MemoryID: note, AgentID: eliza, Content: text}
	updated := events.MemoryUpdated{MemoryID: note, AgentID: eliza, SubjectID: alice, Content: text, Metadata: noteStored.Metadata}
	past := house.And(noteStored)
	When(past, update).Then(t, updated)
	for _, end := range []events.Event{studyCleared, studyDeleted, realmCleared, realmDeleted, elizaForgot, elizaDeleted, noteDeleted} {
		When(past.And(end), update).ThenFails(t, ErrNotFound, "memory "+note.String()+" not found")
		When(past.And(end), DeleteMemory{MemoryID: note, AgentID: eliza}).Then(t)
	}
	// What is stored afterwards is there.
	When(past.And(elizaForgot, noteStored), update).Then(t, updated)
	When(past.And(elizaForgot), storeNote()).Then(t, noteStored)
}

// overheard is what Eliza remembers of a message that was submitted at the position.
func overheard(at events.Position) StoreMemory {
	c := storeNote()
	c.RoomID, c.MessageID, c.Said = parlor, hello, at
	return c
}

func TestWhatWasSaidAndIsGoneIsNotRemembered(t *testing.T) {
	t.Parallel()
	past := house.And(lobbyCreated, parlorCreated, helloSaid)
	log := Open(t, past...)
	said := log.Now(t)
	stored := noteStored
	stored.RoomID, stored.ChannelID, stored.MessageID, stored.Said = parlor, lobby, hello, said
	When(past, overheard(said)).Then(t, stored)
	for _, end := range []events.Event{helloDeleted, lobbyCleared, elizaForgot, realmCleared} {
		When(past.And(end), overheard(said)).Then(t)
	}
	When(past.And(lobbyDeleted), overheard(said)).ThenFails(t, ErrNotFound, "room")
	// A client took it away, and the message is delivered again.
	When(past.And(stored, noteDeleted), overheard(said)).Then(t)
}

func TestAFragmentGoesWithItsDocument(t *testing.T) {
	t.Parallel()
	document := noteStored
	document.MemoryID, document.Table = book, events.TableDocuments
	fragment := storeNote()
	fragment.Table, fragment.DocumentID = events.TableKnowledge, book
	stored := noteStored
	stored.Table, stored.DocumentID = events.TableKnowledge, book
	burnt := events.MemoryDeleted{MemoryID: book, AgentID: eliza}
	When(house.And(document), fragment).Then(t, stored)
	When(house, fragment).ThenFails(t, ErrNotFound, "memory "+book.String())
	When(house.And(document, burnt), fragment).ThenFails(t, ErrNotFound)
	remove := DeleteMemory{MemoryID: note, AgentID: eliza}
	When(house.And(document, stored), remove).Then(t, noteDeleted)
	When(house.And(document, stored, burnt), remove).Then(t)
	When(house.And(document, stored, burnt, document), remove).Then(t)
}
