package server

import (
	"encoding/json"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/example"
	"annals/transport/httpapi/frame"
)

var (
	aLine   = loggedLine{Level: 30, Time: int64(example.Millis), PID: 17, Hostname: "here", Msg: "serving"}
	aParked = ParkedEvent{
		ID: example.Request, Group: "reply", Type: "MessageSubmitted", Stream: events.MessageStream(example.Message), Position: example.Position, At: example.ISO,
		ParkedAt: example.ISO, Reason: "the model did not answer", Correlation: example.Request,
	}
	aReadModel = ProjectionHealth{Name: "messages", Group: frame.Core, Version: 3, Generation: 3, Position: example.Position}
	often      = finite(42)
	anAgent    = 1
)

// examples are answers as the operations give them.
var examples = []any{
	pong{true, example.Millis},
	serverStatus{"ok", 1, example.ISO},
	aliveAnswer{"ok", example.ISO},
	healthAnswer{
		Status: "OK", Version: "1.2.0", Timestamp: example.ISO, AgentCount: &anAgent, Dependencies: map[string]string{"agents": "healthy", "postgres": "healthy"},
		Projections: []ProjectionHealth{aReadModel},
	},
	debugServers{Servers: []queries.Server{example.TheServer}, Count: 1},
	debugState{
		Timestamp: example.ISO, Uptime: 61.5, Agents: []queries.AgentItem{example.AgentItem}, Sockets: map[string]int{"/socket.io/": 1},
		Subscriptions: []Delivery{{Group: "reply", Connections: 1}}, Dependencies: map[string]string{"postgres": ""},
		Projections: []ProjectionHealth{aReadModel}, Rebuilds: []ProjectionHealth{},
	},
	debugMetrics{61.5, []metric{{
		Name: "annals_commands_total", Type: "counter", Samples: []sample{{Labels: map[string]string{"command": "SubmitMessage"}, Value: &often}},
	}}},
	serverLogsAnswer{
		Logs: []json.RawMessage{[]byte(`{"level":30,"time":1795442000449,"msg":"serving"}`)}, Count: 1, Total: 1, RequestedLevel: "all", AgentName: "all",
		AgentID: "all", Levels: []string{"fatal", "error", "warn", "info", "log", "progress", "success", "debug", "trace"},
	},
	cleared{"success", "Logs cleared successfully"},
	parkedList{[]ParkedEvent{aParked}, 1},
	parkedShown{aParked},
	retried{1},
}

// loggedLine is one of the server's log, with whatever it says besides.
type loggedLine struct {
	Level    int      `json:"level"`
	Time     int64    `json:"time"`
	PID      int      `json:"pid"`
	Hostname string   `json:"hostname"`
	Msg      string   `json:"msg"`
	_        struct{} `additionalProperties:"true"`
}
