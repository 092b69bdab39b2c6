package httpapi

// MemoryPorts is what memories need besides the frame.
type MemoryPorts struct {
	// Embedder embeds what memories are searched for.
	Embedder Embedder
}

// memoryAPI is the frame with these.
type memoryAPI struct {
	*API
	MemoryPorts
}

// mountMemory adds the routes.
func mountMemory(f *API, p MemoryPorts) {
	a := &memoryAPI{API: f, MemoryPorts: p}
	a.examples(memoryExamples...)
	for _, agent := range ofAnAgent {
		get(a.API, agent+"/memories", "List what an agent remembers, newest first", a.memories, remembering)
		post(a.API, agent+"/memories", "Let an agent remember something", a.storeMemory, created, remembering, takes(`{"content":{"text":"Ann likes tea."},"tableName":"facts","roomId":"{room}"}`))
		remove(a.API, agent+"/memories", "Remove all that an agent remembers", a.clearMemories, remembering)
		get(a.API, agent+"/memories/search", "Find what an agent remembers by its meaning and its words, the best first", a.searchMemories, reads(core, memories, vectors))
		get(a.API, agent+"/memories/:memoryId", "Show a memory", a.memory, remembering)
		patch(a.API, agent+"/memories/:memoryId", "Change a memory", a.updateMemory, remembering, takes(`{"content":{"text":"Ann likes green tea."}}`))
		remove(a.API, agent+"/memories/:memoryId", "Remove a memory", a.deleteMemory, remembering)
		remove(a.API, agent+"/memories/all/:roomId", "Remove all that an agent remembers of a room", a.clearRoom, remembering)
		get(a.API, agent+"/rooms", "List the rooms of an agent", a.rooms, remembering)
		post(a.API, agent+"/rooms", "Create a room of an agent", a.createRoom, created, remembering, takes(`{"name":"Study","type":"GROUP"}`))
		get(a.API, agent+"/rooms/:roomId", "Show a room of an agent", a.room, remembering)
		get(a.API, agent+"/rooms/:roomId/memories", "List what an agent remembers of a room, newest first", a.roomMemories, remembering)
		get(a.API, agent+"/stats", "Count what an agent remembers", a.memoryStats, reads(core, memories, vectors))
		get(a.API, agent+"/insights", "Tell what an agent's memories are about", a.memoryInsights, remembering)
	}
	get(a.API, "/api/agents/worlds", "List the worlds", a.allWorlds, remembering)
	get(a.API, "/api/agents/:agentId/worlds", "List the worlds of an agent", a.worlds, remembering)
	post(a.API, "/api/agents/:agentId/worlds", "Create a world of an agent", a.createWorld, created, remembering, takes(`{"name":"Home","metadata":{"quiet":true}}`))
	patch(a.API, "/api/agents/:agentId/worlds/:worldId", "Change a world of an agent", a.updateWorld, remembering, takes(`{"name":"Away"}`))
	get(a.API, "/api/memory/groups", "List the groups", a.groups, remembering)
	post(a.API, "/api/memory/groups", "Give agents a room each in a world", a.createMemoryGroup, created, remembering, partly(someGroups), takes(`{"serverId":"{server}","agentIds":["{agent}"],"worldId":"{world}","source":"client"}`))
	post(a.API, "/api/memory/groups/:serverId", "Give agents a room each in a world", a.createServerGroup, created, remembering, partly(someGroups), takes(`{"agentIds":["{agent}"],"worldId":"{world}","source":"client"}`))
	remove(a.API, "/api/memory/groups/:serverId", "Remove a world with its rooms and their memories", a.deleteGroup, remembering)
	get(a.API, "/api/memory/groups/:groupId/memories", "List the memories of a group, newest first", a.groupMemories, remembering, describedUnder("/api/memory/groups/:serverId/memories"))
	remove(a.API, "/api/memory/groups/:serverId/memories", "Remove the memories of a world", a.clearGroup, remembering)
}
