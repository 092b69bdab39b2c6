package httpapi

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

var (
	aBusMessage = BusMessage{
		ID: exampleMessage, ChannelID: exampleChannel, ServerID: exampleServer, AuthorID: exampleUser, Content: "I feel at home here.",
		CreatedAt: exampleMillis, SourceType: "eliza_gui",
	}
	aTitle = "Feeling at home"
)

// messagingExamples are answers as the operations give them.
var messagingExamples = []any{
	serverList{[]queries.Server{aServer}},
	serverAnswer{aServer},
	serverAgents{exampleServer, []uuid.UUID{exampleAgent}},
	agentServers{exampleAgent, []uuid.UUID{exampleServer}},
	serverMembership{exampleServer, exampleAgent, "Agent added to server successfully"},
	syncAnswer{1, []uuid.UUID{exampleChannel}},
	channelList{[]queries.Channel{aChannel}},
	channelAnswer{aChannel},
	aChannel,
	channelAgents{exampleChannel, []uuid.UUID{exampleUser, exampleAgent}},
	channelMembership{exampleChannel, exampleAgent, "Agent added to channel successfully"},
	exampleUser,
	messageList{[]queries.Message{aMessage}},
	aMessage,
	postedMessage{BusMessage: aBusMessage},
	titleAnswer{Title: &aTitle, ChannelID: exampleChannel},
	abortedTurns{[]abortedTurn{{events.TurnID(exampleMessage, exampleAgent), exampleMessage, exampleAgent}}},
	ingested{MessageID: exampleMessage},
	storedMessage{
		ID: exampleReply, ChannelID: exampleChannel, AuthorID: exampleAgent, Content: "Do you often feel at home?", SourceType: "agent_response",
		RawMessage: json.RawMessage(`{"text":"Do you often feel at home?"}`), InReplyTo: &exampleMessage, CreatedAt: exampleISO, UpdatedAt: exampleISO,
	},
}
