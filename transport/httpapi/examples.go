package httpapi

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/problem"
)

// What the examples of the description are about: one agent, and one conversation with it.
var (
	exampleAgent   = events.StringToUUID("Eliza")
	exampleServer  = events.DefaultServer
	exampleUser    = uuid.MustParse("11111111-1111-4111-8111-111111111111")
	exampleChannel = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000001")
	exampleMessage = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000002")
	exampleReply   = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000003")
	exampleMemory  = events.UniqueUUID(exampleAgent, exampleMessage.String())
	exampleWorld   = events.UniqueUUID(exampleAgent, exampleServer.String())
	exampleRoom    = events.UniqueUUID(exampleAgent, exampleChannel.String())
	exampleFile    = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000004")
	exampleRequest = uuid.MustParse("0199f3a0-5c00-7000-8000-000000000005")
	exampleTime    = time.Date(2026, 11, 23, 13, 53, 20, 449_000_000, time.UTC)
	exampleISO     = queries.ISO("2026-11-23T13:53:20.449Z")
	exampleMillis  = queries.Millis(1795442000449)
	examplePlace   = events.Token{Log: uuid.MustParse("0199f3a0-5c00-7000-8000-000000000000"), Position: 4711}.String()
)

var (
	anAgent = queries.Agent{
		ID: exampleAgent, Enabled: true, CreatedAt: exampleMillis, UpdatedAt: exampleMillis, Name: "Eliza", System: "Listen, and ask.",
		Bio: json.RawMessage(`["A listener of 1966."]`), MessageExamples: json.RawMessage(`[]`), PostExamples: []string{}, Topics: []string{"feelings"},
		Adjectives: []string{"patient"}, Knowledge: json.RawMessage(`[]`), Plugins: []string{}, Settings: json.RawMessage(`{}`),
		Style: json.RawMessage(`{}`), Status: queries.Active,
	}
	anAgentItem = queries.AgentItem{ID: exampleAgent, Name: "Eliza", CharacterName: "Eliza", Bio: "A listener of 1966.", Status: queries.Active}
	aLog        = queries.Log{
		ID: exampleRequest, CreatedAt: exampleISO, EntityID: exampleAgent, Type: "useModel:TEXT_LARGE", RoomID: exampleRoom,
		Body: json.RawMessage(`{"modelType":"TEXT_LARGE","executionTime":3,"provider":"classic"}`),
	}
	aLine    = loggedLine{Level: 30, Time: int64(exampleMillis), PID: 17, Hostname: "here", Msg: "serving"}
	aServer  = queries.Server{ID: exampleServer, Name: "Default Server", SourceType: "eliza_default", CreatedAt: exampleISO, UpdatedAt: exampleISO}
	aChannel = queries.Channel{
		ID: exampleChannel, ServerID: exampleServer, Name: "Us", Type: "DM", Metadata: json.RawMessage(`{"isDm":true}`), CreatedAt: exampleISO, UpdatedAt: exampleISO,
	}
	aMessage = queries.Message{
		ID: exampleMessage, ChannelID: exampleChannel, AuthorID: exampleUser, Content: "I feel at home here.", SourceType: "eliza_gui",
		Metadata: json.RawMessage(`{"user_display_name":"Ann"}`), CreatedAt: exampleISO, UpdatedAt: exampleISO, CreatedMillis: exampleMillis, UpdatedMillis: exampleMillis,
	}
	aBusMessage = BusMessage{
		ID: exampleMessage, ChannelID: exampleChannel, ServerID: exampleServer, AuthorID: exampleUser, Content: "I feel at home here.",
		CreatedAt: exampleMillis, SourceType: "eliza_gui",
	}
	aMemory = queries.Memory{
		ID: exampleMemory, Type: "messages", CreatedAt: exampleMillis, Content: json.RawMessage(`{"text":"I feel at home here.","source":"eliza_gui"}`),
		EntityID: events.UniqueUUID(exampleAgent, exampleUser.String()), AgentID: exampleAgent, RoomID: exampleRoom, Unique: true,
		Metadata: json.RawMessage(`{"type":"message"}`),
	}
	aRoom = queries.Room{
		ID: exampleRoom, AgentID: exampleAgent, Source: "eliza_gui", Type: "DM", ServerID: exampleServer.String(), WorldID: &exampleWorld, Name: "Us",
		Metadata: json.RawMessage(`{}`), ChannelID: &exampleChannel, CreatedAt: exampleISO,
	}
	aWorld  = queries.World{ID: exampleWorld, AgentID: exampleAgent, Name: "Home", Metadata: json.RawMessage(`{}`), ServerID: exampleServer.String(), CreatedAt: exampleISO}
	aFailed = groupFailure{AgentID: "nope", Code: problem.CodeCreate, Message: "Failed to Create group", Details: "Invalid agentId format: nope"}
	aFact   = Fact{
		Position: examplePlace, ID: exampleRequest, Type: "MessageSubmitted", Stream: events.MessageStream(exampleMessage), At: exampleTime, RecordedAt: exampleTime,
		Actor: anonymous, Correlation: exampleRequest, Causation: exampleRequest, Request: exampleRequest,
		Data: events.MessageSubmitted{
			MessageID: exampleMessage, ChannelID: exampleChannel, ServerID: exampleServer, AuthorID: exampleUser, Content: "I feel at home here.",
			Audience: []uuid.UUID{exampleAgent},
		},
	}
	aTurn = events.TurnCompleted{
		TurnID: events.TurnID(exampleMessage, exampleAgent), ChannelID: exampleChannel, ServerID: exampleServer, AgentID: exampleAgent, MessageID: exampleMessage,
		ReplyID: exampleReply, Outcome: "replied", Model: "classic", DurationMillis: 3, Memories: []events.MemoryUse{{MemoryID: exampleMemory, Score: 0.5}},
	}
	aParked = ParkedEvent{
		ID: exampleRequest, Group: "reply", Type: "MessageSubmitted", Stream: events.MessageStream(exampleMessage), Position: examplePlace, At: exampleISO,
		ParkedAt: exampleISO, Reason: "the model did not answer", Correlation: exampleRequest,
	}
	aReadModel   = ProjectionHealth{Name: "messages", Group: core, Version: 3, Generation: 3, Position: examplePlace}
	aModel       = Capability{Kind: "text", Name: "classic", Version: "1"}
	exampleCount = []queries.Count{{Key: "messages", Count: 7}}

	exampleYes   = true
	exampleOften = finite(42)
	exampleNear  = 0.87
	exampleTitle = "Feeling at home"
)

// examples are answers as operations give them, by their type.
var examples = byType(
	agentsAnswer{[]queries.AgentItem{anAgentItem}}, anAgent, agentMade{exampleAgent, json.RawMessage(`{"name":"Eliza","bio":["A listener of 1966."]}`)},
	agentStarted{exampleAgent, "Eliza", queries.Active}, said{"Done."}, panel{"Memory", "/api/panels/memory?agentId=" + exampleAgent.String()},
	aLog,
	serverList{[]queries.Server{aServer}}, serverAnswer{aServer}, serverAgents{exampleServer, []uuid.UUID{exampleAgent}},
	agentServers{exampleAgent, []uuid.UUID{exampleServer}}, serverMembership{exampleServer, exampleAgent, "Agent added to server successfully"},
	syncAnswer{1, []uuid.UUID{exampleChannel}}, channelList{[]queries.Channel{aChannel}}, channelAnswer{aChannel}, aChannel,
	channelAgents{exampleChannel, []uuid.UUID{exampleUser, exampleAgent}}, channelMembership{exampleChannel, exampleAgent, "Agent added to channel successfully"},
	exampleUser, messageList{[]queries.Message{aMessage}}, aMessage, postedMessage{BusMessage: aBusMessage}, titleAnswer{Title: &exampleTitle, ChannelID: exampleChannel},
	abortedTurns{[]abortedTurn{{aTurn.TurnID, exampleMessage, exampleAgent}}}, ingested{MessageID: exampleMessage},
	storedMessage{
		ID: exampleReply, ChannelID: exampleChannel, AuthorID: exampleAgent, Content: "Do you often feel at home?", SourceType: "agent_response",
		RawMessage: json.RawMessage(`{"text":"Do you often feel at home?"}`), InReplyTo: &exampleMessage, CreatedAt: exampleISO, UpdatedAt: exampleISO,
	},
	uploaded{
		ID: exampleFile, URL: mediaPath(events.FileOfChannel, exampleChannel, "1795442000449-4.png"), Type: "image/png", Filename: "1795442000449-4.png",
		OriginalName: "me.png", Size: 70, SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", MIMEType: "image/png", Width: 1, Height: 1,
	},
	memoryList{[]queries.Memory{aMemory}}, aMemory, memoryUpdated{exampleMemory, "Memory updated successfully"},
	memoriesCleared{7, "All agent memories cleared successfully"},
	memoriesFound{[]queries.FoundMemory{{Memory: aMemory, Similarity: &exampleNear, Score: 0.03}}, modeHybrid, "hashing-384", 384},
	roomList{[]queries.Room{aRoom}}, roomAnswer{
		ID: exampleRoom, Name: "Us", ChannelID: &exampleChannel, AgentID: exampleAgent, ServerID: aRoom.ServerID, WorldID: &exampleWorld, Type: "DM",
		Source: "client", Metadata: aRoom.Metadata, WorldName: "Home",
	},
	roomMade{
		ID: exampleRoom, Name: "Us", AgentID: exampleAgent, CreatedAt: exampleMillis, Source: "client", Type: "DM", WorldID: exampleWorld, ServerID: aRoom.ServerID,
	},
	queries.Stats{Total: 7, ByTable: exampleCount, ByType: exampleCount, ByRoom: exampleCount, ByEntity: exampleCount, ByDay: exampleCount, Oldest: &exampleMillis, Newest: &exampleMillis, Bytes: 412},
	queries.Insights{
		Terms: []queries.Term{{Term: "home", Count: 3, Earlier: 1, Later: 2, Change: 1}}, ByHour: make([]int, 24), ByWeekday: make([]int, 7),
		Rooms: []queries.Busy{{ID: exampleRoom, Name: "Us", Count: 7}}, Entities: []queries.Busy{{ID: aMemory.EntityID, Name: "Ann", Count: 4}},
		Growth: []queries.Growth{{Day: "2026-11-23", Added: 7, Total: 7}},
	},
	json.RawMessage(`{"version":1,"agentId":"`+exampleAgent.String()+`","character":{"name":"Eliza","bio":["A listener of 1966."]},"memories":[]}`),
	imported{Imported: 7, Skipped: 1, Failed: []importFailure{}}, worldList{[]queries.World{aWorld}}, worldAnswer{aWorld},
	groupList{[]queries.Group{{
		ID: exampleWorld, ServerID: aRoom.ServerID, WorldID: exampleWorld, Name: "Us", Agents: []uuid.UUID{exampleAgent}, Rooms: []uuid.UUID{exampleRoom},
		MemoryCount: 7, CreatedAt: exampleISO,
	}}}, groupMade{exampleRoom, "Us", "client", exampleWorld, "API"}, aFailed,
	pong{true, exampleMillis}, serverStatus{"ok", 1, exampleISO}, versionAnswer{"1.2.0", "server", exampleISO, "development", 61.5},
	healthAnswer{
		Status: "OK", Version: "1.2.0", Timestamp: exampleISO, Dependencies: map[string]string{"agents": "healthy", "postgres": "healthy"},
		Projections: []ProjectionHealth{aReadModel},
	},
	debugServers{[]queries.Server{aServer}, 1}, debugState{
		Timestamp: exampleISO, Uptime: 61.5, Agents: []queries.AgentItem{anAgentItem}, Sockets: map[string]int{"/socket.io/": 1},
		Subscriptions: []Delivery{{Group: "reply", Connections: 1}}, Dependencies: map[string]string{"postgres": ""},
		Projections: []ProjectionHealth{aReadModel}, Rebuilds: []ProjectionHealth{},
	},
	debugMetrics{61.5, []metric{{
		Name: "annals_commands_total", Type: "counter", Samples: []sample{{Labels: map[string]string{"command": "SubmitMessage"}, Value: &exampleOften}},
	}}},
	serverLogsAnswer{
		Logs: []json.RawMessage{[]byte(`{"level":30,"time":1795442000449,"msg":"serving"}`)}, Count: 1, Total: 1, RequestedLevel: "all", AgentName: "all",
		AgentID: "all", Levels: []string{"fatal", "error", "warn", "info", "log", "progress", "success", "debug", "trace"},
	}, cleared{"success", "Logs cleared successfully"}, map[string]string{"OPENAI_BASE_URL": "http://localhost:11434/v1"},
	Capabilities{Models: []Capability{aModel}, Speech: []Capability{}, Converters: []Capability{}, Hardware: []Capability{}, Plugins: []Capability{}},
	historyPage{Events: []Fact{aFact}, Next: examplePlace}, historyTree{exampleRequest, 1, []*cause{{Fact: aFact}}},
	story{Events: []toldFact{{aFact, []change{{Path: "/content", After: "I feel at home here."}}}}, State: json.RawMessage(`{"content":"I feel at home here."}`), Exists: &exampleYes},
	why{
		Reply: aFact, Turn: &aTurn, Attempts: 1,
		Calls:  []modelCall{{exampleTime, "useModel:TEXT_LARGE", map[string]string{"provider": "openai"}, "She wants to feel at home."}},
		Causes: []Fact{aFact}, Request: request{exampleRequest, anonymous, exampleTime},
	},
	parkedList{[]ParkedEvent{aParked}, 1}, parkedShown{aParked}, retried{1},
)

func byType(all ...any) map[reflect.Type]any {
	out := map[reflect.Type]any{}
	for _, v := range all {
		out[reflect.TypeOf(v)] = v
	}
	return out
}

// exampleOf is an example of a type of data; of a list, with one item. It is nil where there is none.
func exampleOf(t reflect.Type) any {
	if found := examples[t]; found != nil {
		return found
	}
	if t.Kind() == reflect.Slice && examples[t.Elem()] != nil {
		return []any{examples[t.Elem()]}
	}
	return nil
}
