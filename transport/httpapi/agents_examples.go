package httpapi

import (
	"encoding/json"

	"annals/queries"
)

var (
	anAgent = queries.Agent{
		ID: exampleAgent, Enabled: true, CreatedAt: exampleMillis, UpdatedAt: exampleMillis, Name: "Eliza", System: "Listen, and ask.",
		Bio: json.RawMessage(`["A listener of 1966."]`), MessageExamples: json.RawMessage(`[]`), PostExamples: []string{}, Topics: []string{"feelings"},
		Adjectives: []string{"patient"}, Knowledge: json.RawMessage(`[]`), Plugins: []string{}, Settings: json.RawMessage(`{}`),
		Style: json.RawMessage(`{}`), Status: queries.Active,
	}
	aLog = queries.Log{
		ID: exampleRequest, CreatedAt: exampleISO, EntityID: exampleAgent, Type: "useModel:TEXT_LARGE", RoomID: exampleRoom,
		Body: json.RawMessage(`{"modelType":"TEXT_LARGE","executionTime":3,"provider":"classic"}`),
	}
)

// agentsExamples are answers as the operations give them.
var agentsExamples = []any{
	agentsAnswer{[]queries.AgentItem{anAgentItem}},
	anAgent,
	agentMade{exampleAgent, json.RawMessage(`{"name":"Eliza","bio":["A listener of 1966."]}`)},
	agentStarted{exampleAgent, "Eliza", queries.Active},
	panel{"Memory", "/api/panels/memory?agentId=" + exampleAgent.String()},
	aLog,
}
