package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"annals/queries"
	"annals/transport/problem"
)

var (
	aFailed = groupFailure{AgentID: "nope", Code: problem.CodeCreate, Message: "Failed to Create group", Details: "Invalid agentId format: nope"}
	aGroup  = groupMade{exampleRoom, "Us", "client", exampleWorld, "API"}
	aRoom   = queries.Room{
		ID: exampleRoom, AgentID: exampleAgent, Source: "eliza_gui", Type: "DM", ServerID: exampleServer.String(), WorldID: &exampleWorld, Name: "Us",
		Metadata: json.RawMessage(`{}`), ChannelID: &exampleChannel, CreatedAt: exampleISO,
	}
	aWorld  = queries.World{ID: exampleWorld, AgentID: exampleAgent, Name: "Home", Metadata: json.RawMessage(`{}`), ServerID: exampleServer.String(), CreatedAt: exampleISO}
	howMany = []queries.Count{{Key: "messages", Count: 7}}
)

// someGroups is what is said when some agents got a room and others did not.
var someGroups = &problem.Problem{Status: http.StatusMultiStatus, Code: problem.CodeCreate, Message: "Failed to Create group", Beside: groupsBeside{
	Data: []groupMade{aGroup}, Errors: []groupFailure{aFailed},
}}

// memoryExamples are answers as the operations give them.
var memoryExamples = []any{
	memoryList{[]queries.Memory{aMemory}},
	aMemory,
	memoryUpdated{exampleMemory, "Memory updated successfully"},
	memoriesCleared{7, "All agent memories cleared successfully"},
	memoriesFound{[]queries.FoundMemory{{Memory: aMemory, Similarity: &exampleNear, Score: 0.03}}, modeHybrid, "hashing-384", 384},
	roomList{[]queries.Room{aRoom}},
	roomAnswer{
		ID: exampleRoom, Name: "Us", ChannelID: &exampleChannel, AgentID: exampleAgent, ServerID: aRoom.ServerID, WorldID: &exampleWorld, Type: "DM",
		Source: "client", Metadata: aRoom.Metadata, WorldName: "Home",
	},
	roomMade{
		ID: exampleRoom, Name: "Us", AgentID: exampleAgent, CreatedAt: exampleMillis, Source: "client", Type: "DM", WorldID: exampleWorld, ServerID: aRoom.ServerID,
	},
	queries.Stats{Total: 7, ByTable: howMany, ByType: howMany, ByRoom: howMany, ByEntity: howMany, ByDay: howMany, Oldest: &exampleMillis, Newest: &exampleMillis, Bytes: 412},
	queries.Insights{
		Terms: []queries.Term{{Term: "home", Count: 3, Earlier: 1, Later: 2, Change: 1}}, ByHour: make([]int, 24), ByWeekday: make([]int, 7),
		Rooms: []queries.Busy{{ID: exampleRoom, Name: "Us", Count: 7}}, Entities: []queries.Busy{{ID: aMemory.EntityID, Name: "Ann", Count: 4}},
		Growth: []queries.Growth{{Day: "2026-11-23", Added: 7, Total: 7}},
	},
	worldList{[]queries.World{aWorld}},
	worldAnswer{aWorld},
	groupList{[]queries.Group{{
		ID: exampleWorld, ServerID: aRoom.ServerID, WorldID: exampleWorld, Name: "Us", Agents: []uuid.UUID{exampleAgent}, Rooms: []uuid.UUID{exampleRoom},
		MemoryCount: 7, CreatedAt: exampleISO,
	}}},
	aGroup,
}
