package commands

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// CreateSession begins a conversation of a person with a running agent, in a channel that exists. One that exists stays as it is.
type CreateSession struct {
	SessionID, ChannelID, AgentID, UserID uuid.UUID
	Metadata                              json.RawMessage
	Timeout                               events.SessionTimeout
}

func (CreateSession) begins() {}

// Stream implements Command.
func (c CreateSession) Stream() events.StreamID { return events.SessionStream(c.SessionID) }

// Admit implements Command: the agent runs.
func (c CreateSession) Admit(ctx context.Context, states *States, _ Session) (Nothing, error) {
	return Nothing{}, states.agentRuns(ctx, c.AgentID)
}

// Decide implements Command.
func (c CreateSession) Decide(r Request, s Session, _ Nothing) ([]events.Event, error) {
	if s.Exists {
		return nil, nil
	}
	return []events.Event{events.SessionCreated{
		SessionID: c.SessionID, ChannelID: c.ChannelID, AgentID: c.AgentID, UserID: c.UserID, Metadata: c.Metadata, Clock: c.Clock(r.At),
	}}, nil
}

// Clock returns that of the session, which was created at a time.
func (c CreateSession) Clock(at time.Time) events.SessionClock {
	return ended(events.SessionClock{CreatedAt: at, LastActivity: at, Timeout: c.Timeout}, at)
}
