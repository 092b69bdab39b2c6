package commands

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// Job is what commands know of a job. It has no Status while it does not exist.
type Job struct {
	Status                                string
	ChannelID, MessageID, AgentID, UserID uuid.UUID
	CreatedAt, ExpiresAt                  time.Time
}

// Apply implements State.
func (j Job) Apply(e events.Recorded) Job {
	switch f := e.Event.(type) {
	case events.JobCreated:
		return Job{events.JobProcessing, f.ChannelID, f.MessageID, f.AgentID, f.UserID, f.CreatedAt, f.ExpiresAt}
	case events.JobEnded:
		j.Status = f.Status
	}
	return j
}

// Processing reports whether the job is there and has not ended.
func (j Job) Processing() bool { return j.Status == events.JobProcessing }

// inTime reports whether something happened before the deadline.
func (j Job) inTime(at time.Time) bool { return at.Before(j.ExpiresAt) }

// ended returns the event that ends a job.
func (j Job) ended(id uuid.UUID, status, reason string, reply uuid.UUID) []events.Event {
	return []events.Event{events.JobEnded{
		JobID: id, ChannelID: j.ChannelID, AgentID: j.AgentID, UserID: j.UserID, Status: status, Reason: reason, ReplyID: reply,
	}}
}

func noJob(id uuid.UUID) error { return fmt.Errorf("job %s %w", id, ErrNotFound) }
