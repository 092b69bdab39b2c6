package httpapi

// MessagingPorts is what messaging needs besides the frame.
type MessagingPorts struct {
	Turns  Turns
	Titles Titles
}

// messagingAPI is the frame with these.
type messagingAPI struct {
	*API
	MessagingPorts
}

// mountMessaging adds the routes.
func mountMessaging(f *API, p MessagingPorts) {
	a := &messagingAPI{API: f, MessagingPorts: p}
	a.examples(messagingExamples...)
	get(a.API, "/api/messaging/servers", "List the servers", a.servers)
	post(a.API, "/api/messaging/servers", "Create a server", a.createServer, created, takes(`{"name":"Library","sourceType":"discord","sourceId":"123"}`))
	get(a.API, "/api/messaging/servers/:serverId", "Show a server", a.server)
	remove(a.API, "/api/messaging/servers/:serverId", "Delete a server and its channels", a.deleteServer, remembering)
	post(a.API, "/api/messaging/servers/:serverId/sync-channels", "Make the channels that a server has elsewhere", a.syncChannels, takes(`{"channels":[{"name":"general","type":"GROUP","sourceId":"456"}]}`))
	get(a.API, "/api/messaging/servers/:serverId/agents", "List the agents that hear a server", a.serverAgents)
	post(a.API, "/api/messaging/servers/:serverId/agents", "Let an agent hear a server", a.joinServer, created, takes(`{"agentId":"{agent}"}`))
	remove(a.API, "/api/messaging/servers/:serverId/agents/:agentId", "Let an agent no longer hear a server", a.leaveServer)
	get(a.API, "/api/messaging/agents/:agentId/servers", "List the servers that an agent hears", a.agentServers)
	get(a.API, "/api/messaging/central-servers", "List the servers", a.servers)
	get(a.API, "/api/messaging/central-servers/:serverId/channels", "List the channels of a server", a.channels)

	post(a.API, "/api/messaging/channels", "Create a channel", a.createChannel, created, takes(`{"serverId":"{server}","name":"general","type":"GROUP","topic":"Everything"}`))
	post(a.API, "/api/messaging/central-channels", "Create a channel with its participants", a.createGroup, created, takes(`{"name":"Us","server_id":"{server}","type":"DM","participantCentralUserIds":["{user}","{agent}"]}`))
	get(a.API, "/api/messaging/dm-channel", "Find or make the channel of two", a.dmChannel)
	patch(a.API, "/api/messaging/central-channels/:channelId", "Change a channel", a.updateChannel, takes(`{"name":"Feeling at home"}`))
	remove(a.API, "/api/messaging/central-channels/:channelId", "Delete a channel and its messages", a.deleteChannel, remembering)
	get(a.API, "/api/messaging/central-channels/:channelId/details", "Show a channel", a.channelDetails)
	get(a.API, "/api/messaging/central-channels/:channelId/participants", "List who takes part in a channel", a.participants)
	get(a.API, "/api/messaging/central-channels/:channelId/agents", "List who takes part in a channel", a.channelAgents)
	post(a.API, "/api/messaging/central-channels/:channelId/agents", "Let an agent take part in a channel", a.joinChannel, created, takes(`{"agentId":"{agent}"}`))
	remove(a.API, "/api/messaging/central-channels/:channelId/agents/:agentId", "End an agent's part in a channel", a.leaveChannel)

	get(a.API, "/api/messaging/central-channels/:channelId/messages", "List the messages of a channel, newest first", a.messages)
	post(a.API, "/api/messaging/central-channels/:channelId/messages", "Say something in a channel", a.postMessage, created, waits, takes(`{"author_id":"{user}","server_id":"{server}","content":"I feel at home here.","metadata":{"user_display_name":"Ann"}}`))
	remove(a.API, "/api/messaging/central-channels/:channelId/messages", "Remove every message of a channel", a.clearChannel, remembering)
	remove(a.API, "/api/messaging/central-channels/:channelId/messages/:messageId", "Remove a message", a.deleteMessage, remembering)
	post(a.API, "/api/messaging/central-channels/:channelId/generate-title", "Name a conversation after what was said", a.generateTitle, takes(`{"agentId":"{agent}"}`))
	post(a.API, "/api/messaging/central-channels/:channelId/abort", "End what agents are about to answer", a.abortTurns, takes(`{"messageId":"{message}","agentId":"{agent}"}`))
	get(a.API, "/api/messaging/messages/:messageId", "Show a message", a.message)
	patch(a.API, "/api/messaging/messages/:messageId", "Change a message", a.editMessage, takes(`{"content":"I feel well here."}`))
	post(a.API, "/api/messaging/messages/search", "Find messages by their words, newest first", a.searchMessages, asks, takes(`{"query":"home -away","channelId":"{channel}","limit":10}`))
	post(a.API, "/api/messaging/submit", "Say something as an agent that runs elsewhere", a.submitMessage, created, takes(`{"channel_id":"{channel}","server_id":"{server}","author_id":"{agent}","content":"Do you?","source_type":"agent_response","raw_message":{"text":"Do you?"},"in_reply_to_message_id":"{message}"}`))
	post(a.API, "/api/messaging/complete", "Say that an agent that runs elsewhere is done", a.completeTurn, says("Completion event emitted"), takes(`{"channel_id":"{channel}","server_id":"{server}"}`))
	post(a.API, "/api/messaging/ingest-external", "Take in a message from elsewhere", a.ingestMessage, accepted, says("Message ingested and published to bus"), takes(`{"channel_id":"{channel}","server_id":"{server}","author_id":"ann#1","author_display_name":"Ann","content":"Hello from elsewhere.","source_type":"discord","source_id":"789"}`))
}
