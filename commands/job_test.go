package commands_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	. "annals/commands"
	. "annals/commands/commandstest"
	"annals/events"
)

var (
	work    = events.JobIn(lobby)
	asked   = uuid.MustParse("5a1d0000-0000-4000-8000-00000000000a") // the message of the job
	jobMade = events.JobCreated{
		JobID: work, ChannelID: lobby, MessageID: asked, AgentID: eliza, UserID: alice, CreatedAt: Noon.Add(-time.Minute), ExpiresAt: Noon,
	}
)

// jobEnded is the end of the job.
func jobEnded(status, reason string, reply uuid.UUID) events.JobEnded {
	return events.JobEnded{JobID: work, ChannelID: lobby, AgentID: eliza, UserID: alice, Status: status, Reason: reason, ReplyID: reply}
}

func TestAJobAsksARunningAgentOnce(t *testing.T) {
	t.Parallel()
	create := CreateJob{ChannelID: lobby, MessageID: asked, AgentID: eliza, UserID: alice, Metadata: json.RawMessage(`{"k":1}`), Timeout: time.Second}
	When(Given(elizaCreated, elizaStarted), create).Then(t, events.JobCreated{
		JobID: work, ChannelID: lobby, MessageID: asked, AgentID: eliza, UserID: alice, Metadata: json.RawMessage(`{"k":1}`),
		CreatedAt: Noon, ExpiresAt: Noon.Add(time.Second),
	})
	When(Given(elizaCreated), create).ThenFails(t, ErrNotFound, "agent")
	When(Given(elizaCreated, elizaStarted, jobMade), create).Then(t)
}

func TestAJobEndsOnce(t *testing.T) {
	t.Parallel()
	reply := events.ReplyID(asked, eliza)
	const late = "Job timed out waiting for agent response"
	When(Given(jobMade), CompleteJob{JobID: work, AuthorID: eliza, ReplyID: reply}).Then(t, jobEnded(events.JobCompleted, "", reply))
	When(Given(jobMade), CompleteJob{JobID: work, AuthorID: alice, ReplyID: reply}).Then(t)
	When(Given(jobMade), FailJob{JobID: work, MessageID: asked, Reason: "why"}).Then(t, jobEnded(events.JobFailed, "why", uuid.Nil))
	When(Given(jobMade), FailJob{JobID: work, MessageID: reply, Reason: "of another message"}).Then(t)
	When(Given(jobMade), CompleteJob{JobID: work, AuthorID: eliza, ReplyID: reply, SaidAt: Noon}).Then(t) // the deadline was first
	When(Given(jobMade), FailJob{JobID: work, MessageID: asked, DoneAt: Noon}).Then(t)
	When(Given(jobMade), CancelJob{JobID: work}).Then(t, jobEnded(events.JobCancelled, "Job was cancelled", uuid.Nil))
	When(Given(), CancelJob{JobID: work}).ThenFails(t, ErrNotFound, "job")
	When(Given(jobMade), TimeOutJob{JobID: work}).Then(t, jobEnded(events.JobTimedOut, late, uuid.Nil))
	early := jobMade
	early.ExpiresAt = Noon.Add(time.Millisecond)
	When(Given(early), TimeOutJob{JobID: work}).ThenFails(t, ErrEarly, "job")
	for _, status := range []string{events.JobCompleted, events.JobFailed, events.JobTimedOut, events.JobCancelled} {
		over := Given(jobMade, jobEnded(status, "", uuid.Nil))
		When(over, CompleteJob{JobID: work, AuthorID: eliza, ReplyID: reply}).Then(t)
		When(over, FailJob{JobID: work, MessageID: asked}).Then(t)
		When(over, CancelJob{JobID: work}).Then(t)
		When(over, TimeOutJob{JobID: work}).Then(t)
	}
}

// After a crash the deadline may be dealt with before the answer that was given in time.
func TestAJobWhoseAnswerIsThereIsCompletedAtItsDeadline(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Duration]string{-time.Millisecond: events.JobCompleted, 0: events.JobTimedOut, time.Second: events.JobTimedOut} {
		log := Open(t, homeCreated, elizaCreated, elizaStarted, lobbyCreated, jobMade)
		said := NewRequest()
		said.At = Noon.Add(at)
		do(t, log.Env, said, SubmitMessage{MessageID: events.ReplyID(asked, eliza), ChannelID: lobby, AuthorID: eliza, Content: "yes"})
		due := NewRequest()
		due.At = Noon.Add(time.Minute)
		do(t, log.Env, due, TimeOutJob{JobID: work})
		if job, err := Load[Job](t.Context(), log.Env, events.JobStream(work)); err != nil || job.Status != want {
			t.Errorf("answered %v after the deadline: %s %v", at, job.Status, err)
		}
	}
}
