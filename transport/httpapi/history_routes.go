package httpapi

// HistoryPorts is what the history needs besides the frame.
type HistoryPorts struct {
	Past Past
}

// historyAPI is the frame with these.
type historyAPI struct {
	*API
	HistoryPorts
}

// mountHistory adds the routes.
func mountHistory(f *API, p HistoryPorts) {
	a := &historyAPI{API: f, HistoryPorts: p}
	a.examples(historyExamples...)
	get(a.API, "/api/history/events", "List facts of the log, or export them as lines", a.historyEvents, reads(history), inLines(aFact))
	get(a.API, "/api/history/agents/:id", "Tell an agent's story, or show it as it was", a.agentStory, reads(history))
	get(a.API, "/api/history/channels/:id", "Tell a channel's story, or show it as it was", a.channelStory, reads(history))
	get(a.API, "/api/history/messages/:id", "Tell a message's story, or show it as it was", a.messageStory, reads(history))
	get(a.API, "/api/history/memories/:id", "Tell a memory's story, or show it as it was", a.memoryStory, reads(history))
	get(a.API, "/api/history/messages/:id/why", "Show how an answer of an agent came about", a.messageWhy, reads(history))
	get(a.API, "/api/history/correlations/:id", "Show everything that one request caused, as a tree", a.historyTree, reads(history))
}
