package reactions_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
)

// jobOf makes a job of an agent, and posts its message.
func (w *world) jobOf(agent uuid.UUID) (channel, message uuid.UUID) {
	w.t.Helper()
	channel, message = w.channel("DM", ada, agent), uuid.New()
	handle(w, commands.CreateJob{ChannelID: channel, MessageID: message, AgentID: agent, UserID: ada, Timeout: time.Minute})
	handle(w, commands.SubmitMessage{MessageID: message, ChannelID: channel, AuthorID: ada, Content: "please"})
	return channel, message
}

// endJobs has the reaction deal with everything that is in the log, twice.
func (w *world) endJobs() {
	w.t.Helper()
	r := reactions.Jobs{Env: w.env, Now: time.Now}
	for range 2 {
		for e, err := range w.log.ReadAll(context.Background(), 0, events.Forwards, events.Filter{}) {
			must(w.t, err)
			must(w.t, r.To(context.Background(), e))
		}
	}
}

// end is the event that ended the job of a channel.
func (w *world) end(channel uuid.UUID) (end events.JobEnded) {
	w.t.Helper()
	n := 0
	for e, err := range w.log.Read(context.Background(), events.JobStream(events.JobIn(channel)), events.Forwards) {
		must(w.t, err)
		if f, ok := e.Event.(events.JobEnded); ok {
			end, n = f, n+1
		}
	}
	if n > 1 {
		w.t.Errorf("the job ended %d times", n)
	}
	return end
}

func TestTheFirstAnswerOfItsAgentEndsAJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, other := w.agent("Worker"), w.agent("Other")
	channel, _ := w.jobOf(agent)
	w.sayAs(other, channel, "not mine")
	w.sayAs(agent, channel, "Executing action: SEARCH")
	answer := w.sayAs(agent, channel, "the answer")
	w.sayAs(agent, channel, "and more")
	w.endJobs()
	if end := w.end(channel); end.Status != events.JobCompleted || end.ReplyID != answer {
		t.Errorf("%+v", end)
	}
}

func TestAJobFailsWhenItsAgentIsDoneWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent := w.agent("Worker")
	for outcome, want := range map[string]string{
		events.TurnFailed: "The agent could not answer: why", events.TurnIgnored: "The agent did not answer: why", events.TurnCutOff: "The answer was aborted: why",
	} {
		channel, message := w.jobOf(agent)
		handle(w, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
			TurnID: events.TurnID(message, agent), ChannelID: channel, AgentID: agent, MessageID: message, Outcome: outcome, Reason: "why",
		}})
		w.endJobs()
		if end := w.end(channel); end.Status != events.JobFailed || end.Reason != want {
			t.Errorf("%s: %+v", outcome, end)
		}
	}
	channel, message := w.jobOf(agent)
	handle(w, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
		TurnID: events.TurnID(message, agent), ChannelID: channel, AgentID: agent, MessageID: message, Outcome: events.TurnReplied,
	}})
	w.endJobs()
	if end := w.end(channel); end.Status != "" {
		t.Errorf("a job that is answered: %+v", end)
	}
}
