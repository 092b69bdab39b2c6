// Package sessions is the part of the REST API by which clients of ElizaOS 1.7.2 keep a conversation with an agent open for a time.
package sessions

import (
	"github.com/google/uuid"

	"annals/commands"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/talk"
	"annals/transport/limits"
)

// Ports is what sessions need besides the frame.
type Ports struct {
	Talk Talk
	// Rules are the server's for the end of sessions; none are those of ElizaOS.
	Rules Rules
}

// Talk posts messages, see messaging.Posting.
type Talk interface {
	MessageID(c *frame.Call, channel, author uuid.UUID, own, content string) (uuid.UUID, error)
	Ready(c *frame.Call, m commands.SubmitMessage, way talk.Transport) error
	Post(c *frame.Call, m commands.SubmitMessage, way talk.Transport) (talk.Posted, error)
}

// api is the frame with these.
type api struct {
	*frame.API
	Ports

	open limits.Occupied
}

var maxSessions = limits.Declare(limits.Bound{
	Name: "sessions", What: "sessions that are open", Per: limits.Server, Value: 100_000, Unit: limits.Count, Answer: "429 RATE_LIMITED",
})

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	if p.Rules == (Rules{}) {
		p.Rules = DefaultRules
	}
	a := &api{API: f, Ports: p}
	a.Examples(examples...)
	frame.Get(a.API, "/api/messaging/sessions", "List the sessions that are open, the oldest first", a.sessions, frame.Bare)
	frame.Post(a.API, "/api/messaging/sessions", "Open a session with an agent", a.createSession, frame.Created, frame.Bare, frame.Takes(`{"agentId":"{agent}","userId":"{user}","metadata":{"platform":"web"},"timeoutConfig":{"timeoutMinutes":30}}`))
	frame.Get(a.API, "/api/messaging/sessions/health", "Count the sessions that are open", a.health, frame.Bare)
	frame.Get(a.API, "/api/messaging/sessions/:sessionId", "Show a session", a.session, frame.Bare, frame.Ends)
	frame.Remove(a.API, "/api/messaging/sessions/:sessionId", "End a session; its channel and messages stay", a.deleteSession, frame.Says("Session deleted successfully"))
	frame.Get(a.API, "/api/messaging/sessions/:sessionId/messages", "List the messages of a session, newest first", a.messages, frame.Bare, frame.Ends)
	frame.Post(a.API, "/api/messaging/sessions/:sessionId/messages", "Say something in a session", a.postMessage, frame.Created, frame.Bare, frame.Ends, frame.OrLater, frame.Streams(talk.Streamed...), frame.Takes(`{"content":"I feel at home here."}`))
	frame.Post(a.API, "/api/messaging/sessions/:sessionId/renew", "Let the time of a session begin anew", a.renewSession, frame.Bare, frame.Ends)
	frame.Post(a.API, "/api/messaging/sessions/:sessionId/heartbeat", "Say that the client of a session is still there", a.heartbeat, frame.Bare, frame.Ends)
	frame.Patch(a.API, "/api/messaging/sessions/:sessionId/timeout", "Give a session other rules for its end", a.changeTimeout, frame.Bare, frame.Ends, frame.Takes(`{"timeoutMinutes":60,"autoRenew":true}`))
}
