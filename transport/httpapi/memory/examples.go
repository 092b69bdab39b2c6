package memory

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"annals/queries"
	"annals/transport/httpapi/example"
	"annals/transport/problem"
)

var (
	aFailed = groupFailure{AgentID: "nope", Code: problem.CodeCreate, Message: "Failed to Create group", Details: "Invalid agentId format: nope"}
	aGroup  = groupMade{example.Room, "Us", "client", example.World, "API"}
	aRoom   = queries.Room{
		ID: example.Room, AgentID: example.Agent, Source: "eliza_gui", Type: "DM", MessageServerID: &example.Server, ServerID: example.Server.String(), WorldID: &example.World, Name: "Us",
		Metadata: json.RawMessage(`{}`), ChannelID: &example.Channel, CreatedAt: example.ISO,
	}
	aWorld = queries.World{ID: example.World, AgentID: example.Agent, Name: "Home", Metadata: json.RawMessage(`{}`), MessageServerID: &example.Server, ServerID: example.Server.String(), CreatedAt: example.ISO}
	tea    = queries.Document{
		ID: example.Memory, AgentID: example.Agent, EntityID: example.Agent, Title: "Tea", Filename: "tea.pdf", ContentType: "application/pdf", Source: "upload", Size: 18211, Fragments: 1,
		CreatedAt: example.Millis,
	}
	near    = 0.87
	howMany = []queries.Count{{Key: "messages", Count: 7}}
)

// someGroups is what is said when some agents got a room and others did not.
var someGroups = &problem.Problem{Status: http.StatusMultiStatus, Code: problem.CodeCreate, Message: "Failed to Create group", Beside: groupsBeside{
	Data: []groupMade{aGroup}, Errors: []groupFailure{aFailed},
}}

// examples are answers as the operations give them.
var examples = []any{
	memoryList{Memories: []queries.Memory{example.TheMemory}},
	example.TheMemory,
	memoryUpdated{example.Memory, "Memory updated successfully"},
	memoriesCleared{7, 7, "All agent memories cleared successfully"},
	memoriesFound{[]queries.FoundMemory{{Memory: example.TheMemory, Similarity: &near, Score: 0.61}}, modeHybrid, "glove-384", 384},
	documentList{Documents: []queries.Document{tea}},
	documentAnswer{tea, "Green tea is steeped at 80 degrees.", []queries.Fragment{{ID: example.File, Text: "Green tea is steeped at 80 degrees."}}},
	roomList{Rooms: []queries.Room{aRoom}},
	roomAnswer{
		ID: example.Room, Name: "Us", ChannelID: &example.Channel, AgentID: example.Agent, MessageServerID: &example.Server, ServerID: aRoom.ServerID, WorldID: &example.World, Type: "DM",
		Source: "client", Metadata: aRoom.Metadata, WorldName: "Home",
	},
	roomMade{
		ID: example.Room, Name: "Us", AgentID: example.Agent, CreatedAt: example.Millis, Source: "client", Type: "DM", WorldID: example.World, MessageServerID: &example.Server, ServerID: aRoom.ServerID,
	},
	queries.Stats{Total: 7, ByTable: howMany, ByType: howMany, ByRoom: howMany, ByEntity: howMany, ByDay: howMany, Oldest: &example.Millis, Newest: &example.Millis, Bytes: 412},
	queries.Insights{
		Terms: []queries.Term{{Term: "home", Count: 3, Earlier: 1, Later: 2, Change: 1}}, ByHour: make([]int, 24), ByWeekday: make([]int, 7),
		Rooms: []queries.Busy{{ID: example.Room, Name: "Us", Count: 7}}, Entities: []queries.Busy{{ID: example.TheMemory.EntityID, Name: "Ann", Count: 4}},
		Growth: []queries.Growth{{Day: "2026-11-23", Added: 7, Total: 7}},
	},
	worldList{Worlds: []queries.World{aWorld}},
	worldAnswer{aWorld},
	groupList{Groups: []queries.Group{{
		ID: example.World, ServerID: aRoom.ServerID, WorldID: example.World, Name: "Us", Agents: []uuid.UUID{example.Agent}, Rooms: []uuid.UUID{example.Room},
		MemoryCount: 7, CreatedAt: example.ISO,
	}}},
	aGroup,
}
