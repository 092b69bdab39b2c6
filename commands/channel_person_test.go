package commands_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

// What is said of a channel with one person in it belongs to that person; where several take part, it belongs to none of them.
func TestWhatAChannelIsCalledIsTheOnlyPersons(t *testing.T) {
	t.Parallel()
	name, metadata := "Alice's roses", json.RawMessage(`{"title":"roses"}`)
	past := Given(homeCreated, elizaCreated, lobbyCreated)
	When(past, UpdateChannel{ChannelID: lobby, Name: &name, Metadata: metadata}).
		Then(t, events.ChannelUpdated{ChannelID: lobby, NamedBy: alice, Name: name, OpenedBy: alice, Opening: metadata})
	When(past.And(events.ParticipantJoined{ChannelID: lobby, ParticipantID: bob}), UpdateChannel{ChannelID: lobby, Name: &name, Metadata: metadata}).
		Then(t, events.ChannelUpdated{ChannelID: lobby, Name: name, Metadata: metadata})
	create := CreateChannel{ChannelID: lobby, Name: name, Topic: "roses", Metadata: metadata, Participants: []uuid.UUID{eliza, alice, alice}}
	When(Given(homeCreated, elizaCreated), create).Then(t, events.ChannelCreated{
		ChannelID: lobby, NamedBy: alice, Name: name, Topic: "roses", OpenedBy: alice, Opening: metadata, Participants: []uuid.UUID{eliza, alice},
	})
	// What is not changed stays whose it is.
	named := past.And(events.ChannelUpdated{ChannelID: lobby, NamedBy: alice, Name: name}, events.ParticipantJoined{ChannelID: lobby, ParticipantID: bob})
	When(named, UpdateChannel{ChannelID: lobby, Metadata: metadata}).
		Then(t, events.ChannelUpdated{ChannelID: lobby, NamedBy: alice, Name: name, Metadata: metadata})
}

func TestAnAnswerOfAnAgentIsOfThePersonWhomItAnswers(t *testing.T) {
	t.Parallel()
	say := SubmitMessage{MessageID: cafe, ChannelID: lobby, AuthorID: eliza, Content: "How do you do.", InReplyTo: hello}
	answer := events.MessageSubmitted{
		MessageID: cafe, ChannelID: lobby, AuthorID: eliza, SubjectID: alice, Content: "How do you do.", InReplyTo: hello, ByAgent: true,
	}
	When(lobbyOpen.And(helloSaid), say).Then(t, answer)
	text := "Do you?"
	When(lobbyOpen.And(helloSaid, answer), EditMessage{MessageID: cafe, Content: &text}).
		Then(t, events.MessageEdited{MessageID: cafe, ChannelID: lobby, AuthorID: eliza, SubjectID: alice, Content: text})
}
