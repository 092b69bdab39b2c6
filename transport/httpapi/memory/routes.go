// Package memory is the part of the REST API that is about what agents remember, and where: memories, rooms, worlds, groups.
package memory

import (
	"annals/transport/httpapi/frame"
	"annals/transport/limits"
)

// Ports is what memories need besides the frame.
type Ports struct {
	// Embedder embeds what memories are searched for.
	Embedder Embedder
}

// api is the frame with these.
type api struct {
	*frame.API
	Ports
	receiving *limits.Budget // files of documents
}

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	a := &api{API: f, Ports: p, receiving: limits.NewBudget(maxDocuments, maxDocumentsOfClient, maxDocumentsOfClient)}
	a.Examples(examples...)
	for _, agent := range frame.OfAnAgent {
		frame.Get(a.API, agent+"/memories", "List what an agent remembers, newest first", a.memories, frame.Remembering)
		frame.Post(a.API, agent+"/memories", "Let an agent remember something", a.storeMemory, frame.Created, frame.Remembering, frame.Takes(`{"content":{"text":"Ann likes tea."},"tableName":"facts","roomId":"{room}"}`))
		frame.Remove(a.API, agent+"/memories", "Remove all that an agent remembers", a.clearMemories, frame.Remembering)
		frame.Get(a.API, agent+"/memories/search", "Find what an agent remembers by its meaning and its words, the best first", a.searchMemories, frame.Reads(frame.Core, frame.Memories, frame.Vectors), frame.Expensive)
		frame.Get(a.API, agent+"/memories/:memoryId", "Show a memory", a.memory, frame.Remembering)
		frame.Patch(a.API, agent+"/memories/:memoryId", "Change a memory", a.updateMemory, frame.Remembering, frame.Takes(`{"content":{"text":"Ann likes green tea."}}`))
		frame.Remove(a.API, agent+"/memories/:memoryId", "Remove a memory", a.deleteMemory, frame.Remembering)
		frame.Remove(a.API, agent+"/memories/all/:roomId", "Remove all that an agent remembers of a room", a.clearRoom, frame.Remembering)
		frame.Get(a.API, agent+"/documents", "List the documents that an agent knows, newest first", a.documents, frame.Remembering)
		frame.Post(a.API, agent+"/documents", "Let an agent know a document", a.addDocument, frame.Created, frame.Remembering, aDocument)
		frame.Get(a.API, agent+"/documents/:documentId", "Show a document, with its text and its fragments", a.document, frame.Remembering)
		frame.Remove(a.API, agent+"/documents/:documentId", "Remove a document with its fragments", a.deleteDocument, frame.Remembering)
		frame.Get(a.API, agent+"/rooms", "List the rooms of an agent", a.rooms, frame.Remembering)
		frame.Post(a.API, agent+"/rooms", "Create a room of an agent", a.createRoom, frame.Created, frame.Remembering, frame.Takes(`{"name":"Study","type":"GROUP"}`))
		frame.Get(a.API, agent+"/rooms/:roomId", "Show a room of an agent", a.room, frame.Remembering)
		frame.Get(a.API, agent+"/rooms/:roomId/memories", "List what an agent remembers of a room, newest first", a.roomMemories, frame.Remembering)
		frame.Get(a.API, agent+"/stats", "Count what an agent remembers", a.memoryStats, frame.Reads(frame.Core, frame.Memories, frame.Vectors), frame.Expensive)
		frame.Get(a.API, agent+"/insights", "Tell what an agent's memories are about", a.memoryInsights, frame.Remembering, frame.Expensive)
	}
	frame.Get(a.API, "/api/agents/worlds", "List the worlds", a.allWorlds, frame.Remembering)
	frame.Get(a.API, "/api/agents/:agentId/worlds", "List the worlds of an agent", a.worlds, frame.Remembering)
	frame.Post(a.API, "/api/agents/:agentId/worlds", "Create a world of an agent", a.createWorld, frame.Created, frame.Remembering, frame.Takes(`{"name":"Home","metadata":{"quiet":true}}`))
	frame.Patch(a.API, "/api/agents/:agentId/worlds/:worldId", "Change a world of an agent", a.updateWorld, frame.Remembering, frame.Takes(`{"name":"Away"}`))
	frame.Get(a.API, "/api/memory/groups", "List the groups", a.groups, frame.Remembering)
	frame.Post(a.API, "/api/memory/groups", "Give agents a room each in a world", a.createMemoryGroup, frame.Created, frame.Remembering, frame.Partly(someGroups), frame.Takes(`{"serverId":"{server}","agentIds":["{agent}"],"worldId":"{world}","source":"client"}`))
	frame.Post(a.API, "/api/memory/groups/:serverId", "Give agents a room each in a world", a.createServerGroup, frame.Created, frame.Remembering, frame.Partly(someGroups), frame.Takes(`{"agentIds":["{agent}"],"worldId":"{world}","source":"client"}`))
	frame.Remove(a.API, "/api/memory/groups/:serverId", "Remove a world with its rooms and their memories", a.deleteGroup, frame.Remembering)
	frame.Get(a.API, "/api/memory/groups/:groupId/memories", "List the memories of a group, newest first", a.groupMemories, frame.Remembering, frame.Expensive, frame.DescribedUnder("/api/memory/groups/:serverId/memories"))
	frame.Remove(a.API, "/api/memory/groups/:serverId/memories", "Remove the memories of a world", a.clearGroup, frame.Remembering)
}
