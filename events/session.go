package events

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// SessionStream is the stream of one session. Each of its events has all that a decision needs: commands read the last one alone.
func SessionStream(id uuid.UUID) StreamID { return Stream("session", id) }

var sessionEvents = []Event{SessionCreated{}, SessionUsed{}, SessionRenewed{}, SessionTimeoutChanged{}, SessionExpired{}, SessionDeleted{}}

// SessionTimeout says when a session ends by itself, in minutes.
type SessionTimeout struct {
	TimeoutMinutes float64 `json:"timeoutMinutes"`
	// AutoRenew lets each use begin the time anew. Without it the time counts from the creation, and from each SessionRenewed.
	AutoRenew               bool    `json:"autoRenew"`
	MaxDurationMinutes      float64 `json:"maxDurationMinutes"` // from the creation, however often it is renewed
	WarningThresholdMinutes float64 `json:"warningThresholdMinutes"`
}

// SessionClock is where a session stands in time.
type SessionClock struct {
	CreatedAt    time.Time      `json:"createdAt,omitzero"`
	LastActivity time.Time      `json:"lastActivity,omitzero"`
	ExpiresAt    time.Time      `json:"expiresAt,omitzero"`
	RenewalCount int            `json:"renewalCount,omitempty"`
	Timeout      SessionTimeout `json:"timeout"`
}

// SessionCreated: a person's client has begun a conversation with an agent, in a channel of its own.
type SessionCreated struct {
	SessionID uuid.UUID       `json:"sessionId"`
	ChannelID uuid.UUID       `json:"channelId"`
	AgentID   uuid.UUID       `json:"agentId"`
	UserID    uuid.UUID       `json:"userId"`
	Metadata  json.RawMessage `json:"metadata,omitempty" seal:"UserID"`
	Clock     SessionClock    `json:"clock"`
}

// SessionState is what each event after the creation has: all of the session, as it stands then.
type SessionState struct {
	SessionID uuid.UUID    `json:"sessionId"`
	ChannelID uuid.UUID    `json:"channelId"`
	AgentID   uuid.UUID    `json:"agentId"`
	UserID    uuid.UUID    `json:"userId"`
	Clock     SessionClock `json:"clock"`
}

// SessionUsed: a message was posted, or the client has said that it is still there.
type SessionUsed SessionState

// SessionRenewed: a client has asked for the time to begin anew.
type SessionRenewed SessionState

// SessionTimeoutChanged: the session ends by other rules from now on.
type SessionTimeoutChanged SessionState

// SessionExpired: the session was over at its deadline. Its channel and messages stay.
type SessionExpired SessionState

// SessionDeleted: a client has ended the session. Its channel and messages stay.
type SessionDeleted SessionState

// EventType implements Event.
func (SessionCreated) EventType() string { return "SessionCreated" }

// EventType implements Event.
func (SessionUsed) EventType() string { return "SessionUsed" }

// EventType implements Event.
func (SessionRenewed) EventType() string { return "SessionRenewed" }

// EventType implements Event.
func (SessionTimeoutChanged) EventType() string { return "SessionTimeoutChanged" }

// EventType implements Event.
func (SessionExpired) EventType() string { return "SessionExpired" }

// EventType implements Event.
func (SessionDeleted) EventType() string { return "SessionDeleted" }

// Deadline implements Timed.
func (e SessionCreated) Deadline() Deadline { return sessionDeadline(e.SessionID, e.Clock) }

// Deadline implements Timed.
func (e SessionUsed) Deadline() Deadline { return sessionDeadline(e.SessionID, e.Clock) }

// Deadline implements Timed.
func (e SessionRenewed) Deadline() Deadline { return sessionDeadline(e.SessionID, e.Clock) }

// Deadline implements Timed.
func (e SessionTimeoutChanged) Deadline() Deadline { return sessionDeadline(e.SessionID, e.Clock) }

// Deadline implements Timed: there is none any more.
func (e SessionExpired) Deadline() Deadline { return sessionDeadline(e.SessionID, SessionClock{}) }

// Deadline implements Timed: there is none any more.
func (e SessionDeleted) Deadline() Deadline { return sessionDeadline(e.SessionID, SessionClock{}) }

func sessionDeadline(id uuid.UUID, c SessionClock) Deadline {
	return Deadline{ID: id, Due: c.ExpiresAt, Command: ExpireSession}
}
