package commands_test

import (
	"encoding/json"
	"testing"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

var (
	elizaAsked = events.LogRecorded{
		LogID: cafe, AgentID: eliza, RoomID: eliza, EntityID: eliza, SubjectID: alice, TurnID: guild,
		Type: events.LogModelCall + "TEXT_LARGE", Body: json.RawMessage(`{"prompt":"Hello."}`),
	}
	askedDeleted = events.LogDeleted{LogID: cafe, AgentID: eliza}
)

func TestAnEntryOfAnAgentsLogIsRecordedOnce(t *testing.T) {
	t.Parallel()
	When(unknown, RecordLog{LogRecorded: elizaAsked}).Then(t, elizaAsked)
	When(Given(elizaAsked), RecordLog{LogRecorded: elizaAsked}).Then(t)
	When(Given(elizaAsked, askedDeleted), RecordLog{LogRecorded: elizaAsked}).Then(t)
}

func TestAnEntryOfAnAgentsLogIsDeletedOnce(t *testing.T) {
	t.Parallel()
	remove := DeleteLog{LogID: cafe, AgentID: eliza}
	When(Given(elizaAsked), remove).Then(t, askedDeleted)
	When(Given(elizaAsked, askedDeleted), remove).Then(t)
}

func TestTheEndOfATurnIsAnEntryThatCanBeDeletedAsWell(t *testing.T) {
	t.Parallel()
	When(unknown, DeleteLog{LogID: cafe, AgentID: eliza}).Then(t, askedDeleted)
}
