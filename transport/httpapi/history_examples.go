package httpapi

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
)

var (
	aFact = Fact{
		Position: examplePlace, ID: exampleRequest, Type: "MessageSubmitted", Stream: events.MessageStream(exampleMessage), At: exampleTime, RecordedAt: exampleTime,
		Actor: anonymous, Correlation: exampleRequest, Causation: exampleRequest, Request: exampleRequest,
		Data: events.MessageSubmitted{
			MessageID: exampleMessage, ChannelID: exampleChannel, ServerID: exampleServer, AuthorID: exampleUser, Content: "I feel at home here.",
			Audience: []uuid.UUID{exampleAgent},
		},
	}
	aTurn = events.TurnCompleted{
		TurnID: events.TurnID(exampleMessage, exampleAgent), ChannelID: exampleChannel, ServerID: exampleServer, AgentID: exampleAgent, MessageID: exampleMessage,
		ReplyID: exampleReply, Outcome: "replied", Model: "classic", DurationMillis: 3, Memories: []events.MemoryUse{{MemoryID: exampleMemory, Score: 0.5}},
	}
	yes = true
)

// historyExamples are answers as the operations give them.
var historyExamples = []any{
	historyPage{Events: []Fact{aFact}, Next: examplePlace},
	historyTree{exampleRequest, 1, []*cause{{Fact: aFact}}},
	story{Events: []toldFact{{aFact, []change{{Path: "/content", After: "I feel at home here."}}}}, State: json.RawMessage(`{"content":"I feel at home here."}`), Exists: &yes},
	why{
		Reply: aFact, Turn: &aTurn, Attempts: 1,
		Calls:  []modelCall{{exampleTime, "useModel:TEXT_LARGE", map[string]string{"provider": "openai"}, "She wants to feel at home."}},
		Causes: []Fact{aFact}, Request: request{exampleRequest, anonymous, exampleTime},
	},
}
