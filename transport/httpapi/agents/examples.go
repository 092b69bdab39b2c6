package agents

import (
	"encoding/json"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/example"
)

var (
	anAgent = queries.Agent{
		ID: example.Agent, Enabled: true, CreatedAt: example.Millis, UpdatedAt: example.Millis, Name: "Eliza", System: "Listen, and ask.",
		Bio: json.RawMessage(`["A listener of 1966."]`), MessageExamples: json.RawMessage(`[]`), PostExamples: []string{}, Topics: []string{"feelings"},
		Adjectives: []string{"patient"}, Knowledge: json.RawMessage(`[]`), Plugins: []string{}, Settings: json.RawMessage(`{}`),
		Style: json.RawMessage(`{}`), Status: queries.Active,
	}
	aRun = queries.Run{
		ID: events.TurnID(example.Message, example.Agent), Status: queries.RunCompleted, StartedAt: example.Millis, EndedAt: &anEnd, DurationMs: &aWhile,
		MessageID: example.Memory, RoomID: example.Room, EntityID: example.User, Counts: queries.RunCounts{Actions: 1, ModelCalls: 1},
		Metadata: queries.RunMetadata{
			ChannelID: example.Channel, MessageID: example.Message, ReplyID: &example.Reply, Outcome: events.TurnReplied, Model: "classic",
		},
	}
	anEnd  = example.Millis + 31
	aWhile = int64(31)
	aLog   = queries.Log{
		ID: example.Request, CreatedAt: example.ISO, EntityID: example.Agent, Type: "useModel:TEXT_LARGE", RoomID: example.Room,
		Body: json.RawMessage(`{"modelType":"TEXT_LARGE","executionTime":3,"provider":"classic"}`),
	}
)

// examples are answers as the operations give them.
var examples = []any{
	agentsAnswer{Agents: []queries.AgentItem{example.AgentItem}},
	anAgent,
	agentUpdated{anAgent, nil},
	agentMade{example.Agent, json.RawMessage(`{"name":"Eliza","bio":["A listener of 1966."]}`), true, nil},
	agentStarted{example.Agent, "Eliza", queries.Active},
	panel{"Memory", "/api/panels/memory?agentId=" + example.Agent.String()},
	aLog,
	runList{Runs: []queries.Run{aRun}, Total: 1},
	runDetail{aRun, aRun.Events([]queries.Log{aLog})},
}
