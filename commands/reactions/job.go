package reactions

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

var endingJobs = Declaration{
	Name:      "job",
	Types:     []string{events.MessageSubmitted{}.EventType(), events.TurnCompleted{}.EventType()},
	Partition: place,
	AtOnce:    func(Ports) int { return channelsAtOnce },
	Budget:    budget,
	Make:      func(p Ports) Reaction { return Jobs{Env: p.Env, Now: p.Now} },
}

// runningAction begins a message by which an agent shows that it does something before it answers (CONTRACT-1.7 6.1).
const runningAction = "Executing action:"

// Jobs ends the job of a channel: with the first answer of its agent, or when the agent is done without one. The deadline of a job
// is not its business, see Deadlines.
type Jobs struct {
	Env commands.Env
	Now func() time.Time
}

// To implements Reaction.
func (j Jobs) To(ctx context.Context, e events.Recorded) error {
	var channel, actor uuid.UUID
	switch f := e.Event.(type) {
	case events.MessageSubmitted:
		if !f.ByAgent || strings.HasPrefix(f.Content, runningAction) {
			return nil
		}
		channel, actor = f.ChannelID, f.AuthorID
	case events.TurnCompleted:
		if f.Outcome == events.TurnReplied || f.MessageID == uuid.Nil {
			return nil
		}
		channel, actor = f.ChannelID, f.AgentID
	}
	id := events.JobIn(channel)
	known, err := commands.Load[commands.Job](ctx, j.Env, events.JobStream(id))
	if err != nil || !known.Processing() {
		return err
	}
	r := commands.Request{
		ID: events.Derive(e.ID, "end job"), At: j.Now(), Actor: "agent:" + actor.String(), Correlation: e.Meta.Correlation, Causation: e.ID,
		Trace: e.Meta.Trace, Hops: e.Meta.Hops + 1,
	}
	switch f := e.Event.(type) {
	case events.MessageSubmitted:
		_, err = commands.Handle(ctx, j.Env, r, commands.CompleteJob{JobID: id, AuthorID: f.AuthorID, ReplyID: f.MessageID, SaidAt: e.Meta.At})
	case events.TurnCompleted:
		_, err = commands.Handle(ctx, j.Env, r, commands.FailJob{JobID: id, MessageID: f.MessageID, Reason: failureOf(f), DoneAt: e.Meta.At})
	}
	return err
}

// failureOf says why a turn brought no answer.
func failureOf(f events.TurnCompleted) string {
	said := map[string]string{
		events.TurnFailed: "The agent could not answer", events.TurnIgnored: "The agent did not answer", events.TurnCutOff: "The answer was aborted",
	}[f.Outcome]
	if f.Reason == "" {
		return said
	}
	return fmt.Sprintf("%s: %s", said, f.Reason)
}

// GiveUp implements Reaction. The job then ends at its deadline.
func (Jobs) GiveUp(context.Context, events.Recorded, error) error { return nil }
