package httpapi

import "net/http"

// routes is the whole API.
func (a *API) routes() {
	get(a, "/api/agents", "List the agents, running ones first", (*API).agents)
	post(a, "/api/agents", "Create an agent from a character", (*API).createAgent, created)
	get(a, "/api/agents/:agentId", "Show an agent", (*API).agent)
	patch(a, "/api/agents/:agentId", "Change parts of an agent's character", (*API).updateAgent)
	remove(a, "/api/agents/:agentId", "Delete an agent", (*API).deleteAgent, remembering)
	post(a, "/api/agents/:agentId/start", "Let an agent take part", (*API).startAgent)
	post(a, "/api/agents/:agentId/stop", "Let an agent no longer take part", (*API).stopAgent)
	get(a, "/api/agents/:agentId/logs", "List what an agent did, newest first", (*API).agentLogs)
	remove(a, "/api/agents/:agentId/logs/:logId", "Remove an entry from an agent's log", (*API).deleteAgentLog)
	follow(a, "/api/agents/:agentId/logs/stream", "Follow what an agent does", (*API).followAgentLogs)
	get(a, "/api/agents/:agentId/panels", "List the pages of an agent's plug-ins", (*API).panels)

	get(a, "/api/messaging/servers", "List the servers", (*API).servers)
	post(a, "/api/messaging/servers", "Create a server", (*API).createServer, created)
	get(a, "/api/messaging/servers/:serverId", "Show a server", (*API).server)
	get(a, "/api/messaging/servers/:serverId/agents", "List the agents that hear a server", (*API).serverAgents)
	post(a, "/api/messaging/servers/:serverId/agents", "Let an agent hear a server", (*API).joinServer, created)
	remove(a, "/api/messaging/servers/:serverId/agents/:agentId", "Let an agent no longer hear a server", (*API).leaveServer)
	get(a, "/api/messaging/agents/:agentId/servers", "List the servers that an agent hears", (*API).agentServers)
	get(a, "/api/messaging/central-servers", "List the servers", (*API).servers)
	get(a, "/api/messaging/central-servers/:serverId/channels", "List the channels of a server", (*API).channels)

	post(a, "/api/messaging/channels", "Create a channel", (*API).createChannel, created)
	post(a, "/api/messaging/central-channels", "Create a channel with its participants", (*API).createGroup, created)
	get(a, "/api/messaging/dm-channel", "Find or make the channel of two", (*API).dmChannel)
	patch(a, "/api/messaging/central-channels/:channelId", "Change a channel", (*API).updateChannel)
	remove(a, "/api/messaging/central-channels/:channelId", "Delete a channel and its messages", (*API).deleteChannel, remembering)
	get(a, "/api/messaging/central-channels/:channelId/details", "Show a channel", (*API).channel)
	get(a, "/api/messaging/central-channels/:channelId/participants", "List who takes part in a channel", (*API).participants)
	get(a, "/api/messaging/central-channels/:channelId/agents", "List who takes part in a channel", (*API).channelAgents)
	post(a, "/api/messaging/central-channels/:channelId/agents", "Let an agent take part in a channel", (*API).joinChannel, created)
	remove(a, "/api/messaging/central-channels/:channelId/agents/:agentId", "End an agent's part in a channel", (*API).leaveChannel)

	get(a, "/api/messaging/central-channels/:channelId/messages", "List the messages of a channel, newest first", (*API).messages)
	post(a, "/api/messaging/central-channels/:channelId/messages", "Say something in a channel", (*API).postMessage, created)
	remove(a, "/api/messaging/central-channels/:channelId/messages", "Remove every message of a channel", (*API).clearChannel, remembering)
	remove(a, "/api/messaging/central-channels/:channelId/messages/:messageId", "Remove a message", (*API).deleteMessage, remembering)
	post(a, "/api/messaging/central-channels/:channelId/abort", "End what agents are about to answer", (*API).abortTurns)
	get(a, "/api/messaging/messages/:messageId", "Show a message", (*API).message)
	patch(a, "/api/messaging/messages/:messageId", "Change a message", (*API).editMessage)
	post(a, "/api/messaging/submit", "Say something as an agent that runs elsewhere", (*API).submitMessage, created)
	post(a, "/api/messaging/complete", "Say that an agent that runs elsewhere is done", (*API).completeTurn)
	post(a, "/api/messaging/ingest-external", "Take in a message from elsewhere", (*API).ingestMessage, accepted)

	post(a, "/api/messaging/channels/:channelId/upload-media", "Upload a file into a channel", (*API).uploadToChat, upload, limited(uploadAttempts, fileOperations))
	post(a, "/api/messaging/central-channels/:channelId/upload-media", "Upload a file into a channel", (*API).uploadToChat, upload, limited(uploadAttempts, fileOperations))
	post(a, "/api/media/channels/:channelId/upload-media", "Upload a file into a channel", (*API).uploadToChannel, upload, limited(channelUploads))
	post(a, "/api/media/channels/:channelId/upload", "Upload a file into a channel", (*API).uploadToChannel, upload, limited(channelUploads))
	post(a, "/api/media/agents/:agentId/upload-media", "Upload a file for an agent", (*API).uploadToAgent, upload)
	post(a, "/api/media/agents/:agentId/upload", "Upload a file for an agent", (*API).uploadToAgent, upload)
	remove(a, "/api/media/files/:fileId", "Delete a file", (*API).deleteFile)
	a.files()

	get(a, "/api/server/ping", "Tell that the server is there", (*API).ping, bare, keyless)
	get(a, "/api/server/hello", "Say hello", (*API).hello, bare)
	get(a, "/api/server/health", "Tell how the server's dependencies are", (*API).health, bare, keyless)
	get(a, "/api/server/status", "Count the running agents", (*API).status, bare)
	post(a, "/api/server/stop", "Stop the server gracefully", (*API).stop, bare)
	get(a, "/api/server/debug/servers", "List the servers", (*API).debugServers, bare)
	get(a, "/api/server/logs", "Search the newest lines of the server's log", (*API).serverLogs, bare)
	post(a, "/api/server/logs", "Search the newest lines of the server's log", (*API).postServerLogs, bare)
	remove(a, "/api/server/logs", "Forget the lines of the server's log", (*API).clearServerLogs, bare)
	follow(a, "/api/server/logs/stream", "Follow the server's log", (*API).followServerLogs)
	get(a, "/api/system/version", "Tell the version and the time since the start", (*API).version, bare)

	get(a, "/api/history/events", "List facts of the log, or export them as lines", (*API).historyEvents, reads(history))

	a.socket("/ws", http.MethodGet)
	a.socket("/socket.io/", http.MethodGet, http.MethodPost)
	a.open["/socket.io/"] = true // the key may come in the first packet: see Identify
	a.docs()
}
