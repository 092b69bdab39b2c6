package events

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// JobStream is the stream of one job.
func JobStream(id uuid.UUID) StreamID { return Stream("job", id) }

// JobIn is the id of the job that a channel is made for.
func JobIn(channel uuid.UUID) uuid.UUID { return Derive(channel, "job") }

// Where a job stands.
const (
	JobProcessing = "processing"
	JobCompleted  = "completed" // the agent has answered
	JobFailed     = "failed"    // the agent is done, and has not answered
	JobTimedOut   = "timeout"   // the deadline came first
	JobCancelled  = "cancelled" // a client does not want it any more
)

var jobEvents = []Event{JobCreated{}, JobEnded{}}

// JobCreated: a client has asked an agent for one answer, in a channel of its own.
type JobCreated struct {
	JobID     uuid.UUID       `json:"jobId"`
	ChannelID uuid.UUID       `json:"channelId"`
	MessageID uuid.UUID       `json:"messageId"` // the message that asks
	AgentID   uuid.UUID       `json:"agentId"`
	UserID    uuid.UUID       `json:"userId"`
	Metadata  json.RawMessage `json:"metadata,omitempty" seal:"UserID"`
	CreatedAt time.Time       `json:"createdAt,omitzero"`
	ExpiresAt time.Time       `json:"expiresAt,omitzero"`
}

// JobEnded: the job is over. It ends once.
type JobEnded struct {
	JobID     uuid.UUID `json:"jobId"`
	ChannelID uuid.UUID `json:"channelId"`
	AgentID   uuid.UUID `json:"agentId"`
	UserID    uuid.UUID `json:"userId"`
	Status    string    `json:"status"`
	ReplyID   uuid.UUID `json:"replyId,omitzero"` // the answer of a job that is completed
	// Reason says why there is no answer, in words that name no personal text.
	Reason string `json:"reason,omitempty"`
}

// EventType implements Event.
func (JobCreated) EventType() string { return "JobCreated" }

// EventType implements Event.
func (JobEnded) EventType() string { return "JobEnded" }

// Deadline implements Timed.
func (e JobCreated) Deadline() Deadline { return Deadline{e.JobID, e.ExpiresAt, TimeOutJob} }

// Deadline implements Timed: there is none any more.
func (e JobEnded) Deadline() Deadline { return Deadline{ID: e.JobID, Command: TimeOutJob} }
