package commands_test

import (
	"encoding/json"
	"testing"
	"time"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

func TestAnActionIsShownAnewWithWhatIsGivenOfIt(t *testing.T) {
	t.Parallel()
	done, text := json.RawMessage(`{"actionStatus":"completed"}`), "done"
	shown := events.MessageSubmitted{
		MessageID: hello, ChannelID: lobby, AuthorID: eliza, AuthorName: "Eliza", Content: "Executing action: SEARCH", ByAgent: true,
		RawMessage: json.RawMessage(`{"actionStatus":"executing"}`), SourceType: "agent_action", Metadata: json.RawMessage(`{"agentName":"Eliza"}`),
	}
	given := Given(homeCreated, lobbyCreated, shown)
	anew := events.MessageEdited{
		MessageID: hello, ChannelID: lobby, AuthorID: eliza, AuthorName: "Eliza", Content: shown.Content, Metadata: shown.Metadata, Action: true,
		RawMessage: done, SourceType: "agent_action", SaidAt: Noon.Add(-time.Hour),
	}
	When(given, ShowAction{MessageID: hello, RawMessage: done}).Then(t, anew)
	last := anew
	last.Content = text
	When(given.And(anew), ShowAction{MessageID: hello, Content: &text}).Then(t, last)
	When(given.And(anew), ShowAction{MessageID: hello, RawMessage: done}).Then(t)
	When(given, ShowAction{MessageID: hello}).Then(t)
	When(given.And(lobbyDeleted), ShowAction{MessageID: hello, Content: &text}).ThenFails(t, ErrNotFound, "message")
}
