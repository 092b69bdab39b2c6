package history

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
	"annals/transport/httpapi/example"
	"annals/transport/httpapi/frame"
)

var (
	aFact = Fact{
		Position: example.Position, ID: example.Request, Type: "MessageSubmitted", Stream: events.MessageStream(example.Message), At: example.Time, RecordedAt: example.Time,
		Actor: frame.Anonymous, Correlation: example.Request, Causation: example.Request, Request: example.Request,
		Data: events.MessageSubmitted{
			MessageID: example.Message, ChannelID: example.Channel, ServerID: example.Server, AuthorID: example.User, Content: "I feel at home here.",
			Audience: []uuid.UUID{example.Agent},
		},
	}
	aTurn = events.TurnCompleted{
		TurnID: events.TurnID(example.Message, example.Agent), ChannelID: example.Channel, ServerID: example.Server, AgentID: example.Agent, MessageID: example.Message,
		ReplyID: example.Reply, Outcome: "replied", Model: "classic", DurationMillis: 3, Memories: []events.MemoryUse{{MemoryID: example.Memory, Score: 0.5}},
	}
	aDealing = Dealing{
		Turn: &aTurn, Attempts: 1,
		Calls:  []modelCall{{example.Time, "useModel:TEXT_LARGE", map[string]string{"provider": "openai"}, "She wants to feel at home."}},
		Causes: []Fact{aFact}, Request: request{example.Request, frame.Anonymous, example.Time},
	}
	yes = true
)

// examples are answers as the operations give them.
var examples = []any{
	historyPage{Events: []Fact{aFact}, Next: example.Position},
	historyTree{Correlation: example.Request, Events: 1, Tree: []*cause{{Fact: aFact}}},
	story{Events: []toldFact{{aFact, []change{{Path: "/content", After: "I feel at home here."}}}}, State: json.RawMessage(`{"content":"I feel at home here."}`), Exists: &yes},
	Why{Reply: aFact, Dealing: aDealing},
	TurnWhy{Reply: &aFact, Dealing: aDealing},
}
