package history

import (
	"crypto/sha256"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"annals/events"
	"annals/events/chain"
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

	aHead = chain.SignedHead{
		Format: chain.FormatHead, Position: aToken, Events: 1207, Head: aHash, Tree: aHash, At: example.Time, PublicKey: strings.Repeat("6a", 32), Signature: strings.Repeat("5c", 64),
	}
	aToken, _ = events.ParseToken(example.Position)
	aHash     = chain.Hash(sha256.Sum256(nil))
)

// examples are answers as the operations give them.
var examples = []any{
	historyPage{Events: []Fact{aFact}, Next: example.Position},
	historyTree{Correlation: example.Request, Events: 1, Tree: []*cause{{Fact: aFact}}},
	story{Events: []toldFact{{aFact, []change{{Path: "/content", After: "I feel at home here."}}}}, State: json.RawMessage(`{"content":"I feel at home here."}`), Exists: &yes},
	Why{Reply: aFact, Dealing: aDealing},
	TurnWhy{Reply: &aFact, Dealing: aDealing},
	aHead,
	chain.Proof{
		Format: chain.FormatProof, Head: aHead, Consistency: &chain.Consistency{Events: 512, Path: []chain.Hash{aHash}},
		Inclusion: &chain.Inclusion{Entry: chain.Entry{Position: 17, Revision: 0, Created: 17_954_420_004_490_000, Digest: aHash}, Index: 4, Path: []chain.Hash{aHash}},
	},
	verification{Well: true, Events: 40, Streams: 12, Position: example.Position, Covered: example.Position, Findings: []string{}},
}
