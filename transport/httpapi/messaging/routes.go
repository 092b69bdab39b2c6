// Package messaging is the part of the REST API by which people and agents talk: servers, channels, messages.
package messaging

import (
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/talk"
)

// Ports is what messaging needs besides the frame.
type Ports struct {
	Turns   Turns
	Answers Answers
	Titles  Titles
}

// api is the frame with these.
type api struct {
	*frame.API
	Ports
}

// Names that ElizaOS 1.2.0 has for what later versions call channels and message servers.
var (
	ofChannel       = frame.Formerly("channels", "central-channels")
	ofServer        = frame.Formerly("message-servers", "servers")
	ofCentralServer = frame.Formerly("message-servers", "central-servers")
)

// Mount adds the routes, and returns what other parts of the API post with.
func Mount(f *frame.API, p Ports) Posting {
	a := &api{API: f, Ports: p}
	a.Examples(examples...)
	frame.Get(a.API, "/api/messaging/message-servers", "List the servers", a.servers, ofServer, ofCentralServer)
	frame.Post(a.API, "/api/messaging/message-servers", "Create a server", a.createServer, ofServer, frame.Created, frame.Takes(`{"name":"Library","sourceType":"discord","sourceId":"123"}`))
	frame.Get(a.API, "/api/messaging/message-server/current", "Show which server clients talk on by default", a.currentServer)
	frame.Get(a.API, "/api/messaging/message-servers/:serverId", "Show a server", a.server, ofServer)
	frame.Remove(a.API, "/api/messaging/message-servers/:serverId", "Delete a server and its channels", a.deleteServer, ofServer, frame.Remembering)
	frame.Get(a.API, "/api/messaging/message-servers/:serverId/channels", "List the channels of a server", a.channels, ofCentralServer)
	frame.Post(a.API, "/api/messaging/message-servers/:serverId/sync-channels", "Make the channels that a server has elsewhere", a.syncChannels, ofServer, frame.Takes(`{"channels":[{"name":"general","type":"GROUP","sourceId":"456"}]}`))
	frame.Get(a.API, "/api/messaging/message-servers/:serverId/agents", "List the agents that hear a server", a.serverAgents, ofServer)
	frame.Post(a.API, "/api/messaging/message-servers/:serverId/agents", "Let an agent hear a server", a.joinServer, ofServer, frame.Created, frame.Takes(`{"agentId":"{agent}"}`))
	frame.Remove(a.API, "/api/messaging/message-servers/:serverId/agents/:agentId", "Let an agent no longer hear a server", a.leaveServer, ofServer)
	frame.Get(a.API, "/api/messaging/agents/:agentId/message-servers", "List the servers that an agent hears", a.agentServers, ofServer)

	frame.Post(a.API, "/api/messaging/channels", "Create a channel", a.createChannel, ofChannel, frame.Created, frame.Takes(`{"name":"Us","message_server_id":"{server}","type":"DM","participantCentralUserIds":["{user}","{agent}"]}`))
	frame.Get(a.API, "/api/messaging/dm-channel", "Find or make the channel of two", a.dmChannel)
	frame.Patch(a.API, "/api/messaging/channels/:channelId", "Change a channel", a.updateChannel, ofChannel, frame.Takes(`{"name":"Feeling at home"}`))
	frame.Remove(a.API, "/api/messaging/channels/:channelId", "Delete a channel and its messages", a.deleteChannel, ofChannel, frame.Remembering)
	frame.Get(a.API, "/api/messaging/channels/:channelId/details", "Show a channel", a.channelDetails, ofChannel)
	frame.Get(a.API, "/api/messaging/channels/:channelId/participants", "List who takes part in a channel", a.participants, ofChannel)
	frame.Get(a.API, "/api/messaging/channels/:channelId/agents", "List who takes part in a channel", a.channelAgents, ofChannel)
	frame.Post(a.API, "/api/messaging/channels/:channelId/agents", "Let an agent take part in a channel", a.joinChannel, ofChannel, frame.Created, frame.Takes(`{"agentId":"{agent}"}`))
	frame.Remove(a.API, "/api/messaging/channels/:channelId/agents/:agentId", "End an agent's part in a channel", a.leaveChannel, ofChannel)

	frame.Get(a.API, "/api/messaging/channels/:channelId/messages", "List the messages of a channel, newest first", a.messages, ofChannel)
	frame.Post(a.API, "/api/messaging/channels/:channelId/messages", "Say something in a channel", a.postMessage, ofChannel, frame.Created, frame.Waits, frame.OrLater, frame.Streams(talk.Streamed...), frame.Takes(`{"author_id":"{user}","message_server_id":"{server}","content":"I feel at home here.","metadata":{"user_display_name":"Ann"}}`))
	frame.Remove(a.API, "/api/messaging/channels/:channelId/messages", "Remove every message of a channel", a.clearChannel, ofChannel, frame.Remembering)
	frame.Remove(a.API, "/api/messaging/channels/:channelId/messages/:messageId", "Remove a message", a.deleteMessage, ofChannel, frame.Remembering)
	frame.Post(a.API, "/api/messaging/channels/:channelId/generate-title", "Name a conversation after what was said", a.generateTitle, ofChannel, frame.Takes(`{"agentId":"{agent}"}`))
	frame.Post(a.API, "/api/messaging/channels/:channelId/abort", "End what agents are about to answer", a.abortTurns, ofChannel, frame.Takes(`{"messageId":"{message}","agentId":"{agent}"}`))
	frame.Get(a.API, "/api/messaging/messages/:messageId", "Show a message", a.message)
	frame.Patch(a.API, "/api/messaging/messages/:messageId", "Change a message", a.editMessage, frame.Takes(`{"content":"I feel well here."}`))
	frame.Post(a.API, "/api/messaging/messages/search", "Find messages by their words, newest first", a.searchMessages, frame.Asks, frame.Expensive, frame.Takes(`{"query":"home -away","channelId":"{channel}","limit":10}`))
	frame.Post(a.API, "/api/messaging/submit", "Say something as an agent that runs elsewhere", a.submitMessage, frame.Created, frame.Takes(`{"channel_id":"{channel}","message_server_id":"{server}","author_id":"{agent}","content":"Do you?","source_type":"agent_response","raw_message":{"text":"Do you?"},"in_reply_to_message_id":"{message}"}`))
	frame.Post(a.API, "/api/messaging/action", "Show what an agent that runs elsewhere is doing", a.submitMessage, frame.Created, frame.Takes(`{"channel_id":"{channel}","message_server_id":"{server}","author_id":"{agent}","content":"Executing action: SEARCH","source_type":"agent_action","raw_message":{"actionId":"a1","actionStatus":"executing","actions":["SEARCH"]},"metadata":{"agentName":"Eliza"}}`))
	frame.Patch(a.API, "/api/messaging/action/:messageId", "Show how what an agent is doing goes on", a.updateAction, frame.Takes(`{"raw_message":{"actionId":"a1","actionStatus":"completed","actions":["SEARCH"]}}`))
	frame.Post(a.API, "/api/messaging/complete", "Say that an agent that runs elsewhere is done", a.completeTurn, frame.Says("Completion event emitted"), frame.Takes(`{"channel_id":"{channel}","message_server_id":"{server}"}`))
	frame.Post(a.API, "/api/messaging/ingest-external", "Take in a message from elsewhere", a.ingestMessage, frame.Accepted, frame.Says("Message ingested and published to bus"), frame.Takes(`{"channel_id":"{channel}","message_server_id":"{server}","author_id":"ann#1","author_display_name":"Ann","content":"Hello from elsewhere.","source_type":"discord","source_id":"789"}`))
	return Posting{a}
}
