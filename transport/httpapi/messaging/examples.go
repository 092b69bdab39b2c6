package messaging

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/example"
	"annals/transport/httpapi/talk"
)

var aTitle = "Feeling at home"

// examples are answers as the operations give them.
var examples = []any{
	serverList{MessageServers: []queries.Server{example.TheServer}, Servers: []queries.Server{example.TheServer}},
	currentServer{example.Server},
	serverAnswer{example.TheServer},
	serverAgents{example.Server, example.Server, []uuid.UUID{example.Agent}},
	agentServers{example.Agent, []uuid.UUID{example.Server}, []uuid.UUID{example.Server}},
	serverMembership{example.Server, example.Server, example.Agent, "Agent added to server successfully"},
	syncAnswer{1, []uuid.UUID{example.Channel}},
	channelList{Channels: []queries.Channel{example.TheChannel}},
	channelMade{example.TheChannel, example.TheChannel},
	example.TheChannel,
	channelAgents{example.Channel, []uuid.UUID{example.User, example.Agent}},
	channelMembership{example.Channel, example.Agent, "Agent added to channel successfully"},
	example.User,
	messageList{Messages: []queries.Message{example.TheMessage}},
	example.TheMessage,
	postedMessage{BusMessage: talk.ABusMessage},
	titleAnswer{Title: &aTitle, ChannelID: example.Channel},
	abortedTurns{[]abortedTurn{{events.TurnID(example.Message, example.Agent), example.Message, example.Agent}}},
	ingested{MessageID: example.Message},
	storedMessage{
		ID: example.Reply, ChannelID: example.Channel, AuthorID: example.Agent, Content: "Do you often feel at home?", SourceType: "agent_response",
		RawMessage: json.RawMessage(`{"text":"Do you often feel at home?"}`), InReplyTo: &example.Message, CreatedAt: example.ISO, UpdatedAt: example.ISO,
	},
}
