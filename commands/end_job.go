package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// CompleteJob ends a job with a message, if its agent is the author and said it before the deadline. A job that has ended stays as it is,
// and one whose deadline came first ends by that.
type CompleteJob struct {
	Unconditional[Job]

	JobID, AuthorID, ReplyID uuid.UUID
	SaidAt                   time.Time
}

// Stream implements Command.
func (c CompleteJob) Stream() events.StreamID { return events.JobStream(c.JobID) }

// Decide implements Command.
func (c CompleteJob) Decide(_ Request, j Job, _ Nothing) ([]events.Event, error) {
	if !j.Processing() || j.AgentID != c.AuthorID || !j.inTime(c.SaidAt) {
		return nil, nil
	}
	return j.ended(c.JobID, events.JobCompleted, "", c.ReplyID), nil
}

// FailJob ends a job whose agent was done with a message before the deadline, and has not answered. Of other messages than the job's it
// changes nothing, nor does it change a job that has ended.
type FailJob struct {
	Unconditional[Job]

	JobID, MessageID uuid.UUID
	Reason           string
	DoneAt           time.Time
}

// Stream implements Command.
func (c FailJob) Stream() events.StreamID { return events.JobStream(c.JobID) }

// Decide implements Command.
func (c FailJob) Decide(_ Request, j Job, _ Nothing) ([]events.Event, error) {
	if !j.Processing() || j.MessageID != c.MessageID || !j.inTime(c.DoneAt) {
		return nil, nil
	}
	return j.ended(c.JobID, events.JobFailed, c.Reason, uuid.Nil), nil
}

// CancelJob ends a job whose answer is not wanted any more. A job that has ended stays as it is.
type CancelJob struct {
	Unconditional[Job]

	JobID uuid.UUID
}

// Stream implements Command.
func (c CancelJob) Stream() events.StreamID { return events.JobStream(c.JobID) }

// Decide implements Command.
func (c CancelJob) Decide(_ Request, j Job, _ Nothing) ([]events.Event, error) {
	switch {
	case j.Status == "":
		return nil, noJob(c.JobID)
	case !j.Processing():
		return nil, nil
	}
	return j.ended(c.JobID, events.JobCancelled, "Job was cancelled", uuid.Nil), nil
}

// TimeOutJob ends a job at its deadline: completed where the agent answered before, which nothing has dealt with yet. A job that has ended stays as it is.
type TimeOutJob struct{ JobID uuid.UUID }

// Stream implements Command.
func (c TimeOutJob) Stream() events.StreamID { return events.JobStream(c.JobID) }

// Admit implements Command: it looks for the answer, which nothing may have dealt with yet after a crash.
func (c TimeOutJob) Admit(ctx context.Context, states *States, j Job) (answered bool, err error) {
	if !j.Processing() {
		return false, nil
	}
	reply, err := states.MessageNow(ctx, events.ReplyID(j.MessageID, j.AgentID))
	return reply.Exists && j.inTime(reply.SaidAt), err
}

// Decide implements Command.
func (c TimeOutJob) Decide(r Request, j Job, answered bool) ([]events.Event, error) {
	switch {
	case !j.Processing():
		return nil, nil
	case r.At.Before(j.ExpiresAt):
		return nil, fmt.Errorf("job %s %w", c.JobID, ErrEarly)
	case answered:
		return j.ended(c.JobID, events.JobCompleted, "", events.ReplyID(j.MessageID, j.AgentID)), nil
	}
	return j.ended(c.JobID, events.JobTimedOut, "Job timed out waiting for agent response", uuid.Nil), nil
}
