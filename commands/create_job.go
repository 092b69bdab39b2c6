package commands

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// CreateJob asks a running agent for one answer, in a channel that exists and whose message follows. A job that exists stays as it is.
type CreateJob struct {
	ChannelID, MessageID, AgentID, UserID uuid.UUID
	Metadata                              json.RawMessage
	Timeout                               time.Duration
}

func (CreateJob) begins() {}

// Stream implements Command.
func (c CreateJob) Stream() events.StreamID { return events.JobStream(events.JobIn(c.ChannelID)) }

// Admit implements Command: the agent runs.
func (c CreateJob) Admit(ctx context.Context, states *States, _ Job) (Nothing, error) {
	return Nothing{}, states.agentRuns(ctx, c.AgentID)
}

// Decide implements Command.
func (c CreateJob) Decide(r Request, j Job, _ Nothing) ([]events.Event, error) {
	if j.Status != "" {
		return nil, nil
	}
	return []events.Event{events.JobCreated{
		JobID: events.JobIn(c.ChannelID), ChannelID: c.ChannelID, MessageID: c.MessageID, AgentID: c.AgentID, UserID: c.UserID,
		Metadata: c.Metadata, CreatedAt: r.At, ExpiresAt: r.At.Add(c.Timeout),
	}}, nil
}
