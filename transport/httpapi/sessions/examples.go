package sessions

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/queries"
	"annals/transport/httpapi/example"
	"annals/transport/httpapi/talk"
)

var (
	aTimeout = queries.SessionTimeout{TimeoutMinutes: 30, AutoRenew: true, MaxDurationMinutes: 720, WarningThresholdMinutes: 5}
	aSession = queries.Session{
		ID: uuid.MustParse("0199f3a0-5c00-7000-8000-000000000006"), ChannelID: example.Channel, AgentID: example.Agent, UserID: example.User,
		CreatedAt: example.ISO, LastActivity: example.ISO, Metadata: json.RawMessage(`{"platform":"web"}`), ExpiresAt: "2026-11-23T14:23:20.449Z",
		Timeout: aTimeout, TimeRemaining: 1_800_000,
	}
)

// examples are answers as the operations give them.
var examples = []any{
	aSession,
	madeSession{
		aSession.ID, aSession.ChannelID, aSession.AgentID, aSession.UserID, aSession.CreatedAt, aSession.Metadata, aSession.ExpiresAt, aTimeout,
	},
	sessionList{Sessions: []queries.Session{aSession}, Total: 1, Stats: sessionStats{Total: 1, Active: 1}},
	sessionHealth{Status: "healthy", Active: 1, Timestamp: example.ISO, Uptime: 66.8},
	sessionPosted{talk.Posted{UserMessage: talk.ABusMessage}, sessionStatus{aSession.ExpiresAt, 1, true, false}},
	sessionMessages{
		Messages: []sessionMessage{{ID: example.Message, Content: "I feel at home here.", AuthorID: example.User, CreatedAt: example.ISO, Metadata: json.RawMessage(`{"platform":"web"}`)}},
		Cursors:  &sessionCursors{example.Millis, example.Millis},
	},
}
