package commands_test

import (
	"encoding/json"
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestWhatIsGivenOfAMessageChangesAndTheRestStays(t *testing.T) {
	t.Parallel()
	said, text := helloSaid, "Goodbye."
	said.Metadata = json.RawMessage(`{"mood":1,"day":"Monday"}`)
	edited := events.MessageEdited{MessageID: hello, ChannelID: lobby, AuthorID: alice, Content: text, Metadata: said.Metadata}
	When(lobbyOpen.And(said), EditMessage{MessageID: hello, Content: &text}).Then(t, edited)
	When(lobbyOpen.And(said, edited), EditMessage{MessageID: hello, Metadata: json.RawMessage(`{"mood":2}`)}).
		Then(t, events.MessageEdited{MessageID: hello, ChannelID: lobby, AuthorID: alice, Content: text, Metadata: json.RawMessage(`{"mood":2}`)})
}

func TestAMessageThatIsSoAlreadyIsNotEdited(t *testing.T) {
	t.Parallel()
	said, text := helloSaid, helloSaid.Content
	said.Metadata = json.RawMessage(`{"mood":1,"day":"Monday"}`)
	past := lobbyOpen.And(said)
	When(past, EditMessage{MessageID: hello}).Then(t)
	When(past, EditMessage{MessageID: hello, Content: &text, Metadata: json.RawMessage(`{ "day": "Monday", "mood": 1 }`)}).Then(t)
	empty := ""
	When(past, EditMessage{MessageID: hello, Content: &empty}).
		Then(t, events.MessageEdited{MessageID: hello, ChannelID: lobby, AuthorID: alice, Metadata: said.Metadata})
}

func TestAMessageThatIsGoneCannotBeEdited(t *testing.T) {
	t.Parallel()
	text := "Goodbye."
	edit := EditMessage{MessageID: hello, Content: &text}
	words := "message " + hello.String() + " not found"
	When(lobbyOpen, edit).ThenFails(t, ErrNotFound, words)
	When(lobbyOpen.And(helloSaid, helloDeleted), edit).ThenFails(t, ErrNotFound, words)
	When(lobbyOpen.And(helloSaid, lobbyCleared), edit).ThenFails(t, ErrNotFound, words)
	When(lobbyOpen.And(helloSaid, lobbyDeleted), edit).ThenFails(t, ErrNotFound, words)
	When(lobbyOpen.And(helloSaid, lobbyDeleted, lobbyCreated), edit).ThenFails(t, ErrNotFound, words)
	// What was said after the clearing is there.
	When(lobbyOpen.And(helloSaid, lobbyCleared, helloSaid), edit).
		Then(t, events.MessageEdited{MessageID: hello, ChannelID: lobby, AuthorID: alice, Content: text})
}
