package reactions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

const (
	// hopBudget bounds how many agents answer one another after a person spoke.
	hopBudget = 4
	// recent is how many messages of a conversation a model is shown.
	recent = 40
	// maxReply bounds what a model may say, in bytes.
	maxReply = 64 << 10
)

// Reply makes the agents that a message reached answer it, each exactly once: the id of the reply derives from the message
// and the agent, however often the message is delivered.
type Reply struct {
	Env     commands.Env
	Models  Models
	History History
	Now     func() time.Time
	// Aborts ends the turns that are not wanted any more.
	Aborts *Aborts
	// Recall finds what the agents remember; without it, they remember nothing.
	Recall Recall
	// Stream shows answers while they come into being. It may be nil; it does not block for long, and is called concurrently.
	Stream func(Chunk)
	// Asked is told, where it is set, of every call of the model.
	Asked func(ctx context.Context, kind, provider string, began time.Time, said Completion, err error)

	text Text // what the agent of this turn speaks with
}

// Name implements Reaction.
func (Reply) Name() string { return "reply" }

// To implements Reaction: it lets the audience of a recorded message answer, one agent after another.
func (r Reply) To(ctx context.Context, e events.Recorded) error {
	m, ok := e.Event.(events.MessageSubmitted)
	if !ok {
		return fmt.Errorf("%w: %s at %d is no message", ErrRefused, e.Event.EventType(), e.Position)
	}
	if len(m.Audience) == 0 {
		return nil
	}
	if err := r.History.Readable(ctx, e.Position); err != nil {
		return fmt.Errorf("%w: %w", errBehind, err)
	}
	failed := failedTurns{}
	for _, agent := range m.Audience {
		if err := r.turn(ctx, e, m, agent); err != nil {
			failed[agent] = err
		}
	}
	if len(failed) > 0 {
		return failed
	}
	return nil
}

// GiveUp implements Reaction: it records that the agents that still owe an answer failed to give one, because of an error of To.
func (r Reply) GiveUp(ctx context.Context, e events.Recorded, err error) error {
	m, ok := e.Event.(events.MessageSubmitted)
	if !ok {
		return nil
	}
	owing := failedTurns{}
	if !errors.As(err, &owing) {
		for _, agent := range m.Audience {
			owing[agent] = err
		}
	}
	var failed error
	for agent, err := range owing {
		end := events.TurnCompleted{Outcome: events.TurnFailed, Reason: reason(err)}
		failed = errors.Join(failed, r.complete(ctx, e, m, agent, end))
	}
	return failed
}

// turn is one agent's dealing with one message.
func (r Reply) turn(ctx context.Context, e events.Recorded, m events.MessageSubmitted, agentID uuid.UUID) error {
	running, stop := r.Aborts.watch(ctx, events.TurnID(m.MessageID, agentID))
	defer stop()
	turn, err := r.load(ctx, m, agentID)
	if err != nil || turn.Done() {
		return err
	}
	replyID := ReplyID(m.MessageID, agentID)
	reply, err := commands.Load[commands.Message](ctx, r.Env, events.MessageStream(replyID))
	if err != nil {
		return err
	}
	if reply.Exists { // an earlier delivery came so far
		return r.complete(ctx, e, m, agentID, events.TurnCompleted{Outcome: events.TurnReplied, ReplyID: replyID})
	}
	if turn.Aborted {
		return r.complete(ctx, e, m, agentID, events.TurnCompleted{Outcome: events.TurnCutOff})
	}
	agent, gone, err := r.standing(ctx, m, agentID)
	if err != nil {
		return err
	}
	if gone != "" {
		return r.complete(ctx, e, m, agentID, events.TurnCompleted{Outcome: events.TurnIgnored, Reason: gone})
	}
	text, end, err := r.answer(running, e, m, agentID, agent)
	if aborted(running) { // what was said so far is not kept: nobody wanted to hear it to the end
		end.Outcome, end.Reason = events.TurnCutOff, ""
		return r.complete(ctx, e, m, agentID, end)
	}
	if err == nil && text != "" {
		end, err = r.submit(ctx, e, m, agentID, text, end)
	}
	if err != nil {
		return err
	}
	return r.complete(ctx, e, m, agentID, end)
}

func (r Reply) load(ctx context.Context, m events.MessageSubmitted, agentID uuid.UUID) (commands.Turn, error) {
	return commands.Load[commands.Turn](ctx, r.Env, events.TurnStream(events.TurnID(m.MessageID, agentID)))
}

// standing looks whether there is still somebody to answer and something to be answered, and says what is missing.
func (r Reply) standing(ctx context.Context, m events.MessageSubmitted, agentID uuid.UUID) (commands.Agent, string, error) {
	agent, err := r.Env.States.Agent(ctx, agentID)
	if err != nil {
		return agent, "", err
	}
	if !agent.Running {
		return agent, "the agent does not run", nil
	}
	channel, err := r.Env.States.Channel(ctx, m.ChannelID)
	if err != nil {
		return agent, "", err
	}
	if !channel.Exists {
		return agent, "the channel was deleted", nil
	}
	message, err := r.Env.States.MessageNow(ctx, m.MessageID)
	if err != nil {
		return agent, "", err
	}
	if !message.Exists {
		return agent, "the message was deleted", nil
	}
	return agent, "", nil
}

// answer finds out whether the agent should speak, and asks the model. Without a text, the turn ends as it says.
func (r Reply) answer(ctx context.Context, e events.Recorded, m events.MessageSubmitted, agentID uuid.UUID, agent commands.Agent) (string, events.TurnCompleted, error) {
	ignored := events.TurnCompleted{Outcome: events.TurnIgnored}
	r.text = r.Models.Text(agent.Character)
	call, err := r.addressed(ctx, e, m, agentID)
	if err != nil {
		return "", ignored, err
	}
	if call == notMeant {
		ignored.Reason = "somebody else was addressed"
		return "", ignored, nil
	}
	prompt, remembered, err := r.prompt(ctx, e, m, agentID, agent)
	if err != nil {
		return "", ignored, err
	}
	if decider, ok := r.text.(Decider); ok && call == anybody {
		speak, err := r.decide(ctx, e, m, agentID, prompt, decider)
		if err != nil {
			return "", ignored, err
		}
		if !speak {
			ignored.Reason = choseSilence
			return "", ignored, nil
		}
	}
	said, err := r.asked(ctx, e, m, agentID, textLarge, prompt, func() (Completion, error) {
		return r.generate(ctx, prompt, m, agentID)
	})
	if err != nil {
		return "", ignored, err
	}
	end := events.TurnCompleted{
		Model: said.Model, PromptTokens: said.PromptTokens, CompletionTokens: said.CompletionTokens,
		DurationMillis: said.Duration.Milliseconds(), Memories: remembered.memories, Unremembered: remembered.failed,
	}
	text := speakable(said.Text)
	if text == "" {
		end.Outcome, end.Reason = events.TurnIgnored, saidNothing
	}
	return text, end, nil
}

// submit looks again whether the answer is still wanted, and records it.
func (r Reply) submit(ctx context.Context, e events.Recorded, m events.MessageSubmitted, agentID uuid.UUID, text string, end events.TurnCompleted) (events.TurnCompleted, error) {
	turn, err := r.load(ctx, m, agentID)
	if err != nil {
		return end, err
	}
	if turn.Aborted {
		end.Outcome = events.TurnCutOff
		return end, nil
	}
	agent, gone, err := r.standing(ctx, m, agentID)
	if err != nil {
		return end, err
	}
	if gone == "" {
		reply, err := r.compose(ctx, m, agentID, agent, text)
		if err != nil {
			return end, err
		}
		_, err = commands.Handle(ctx, r.Env, r.request(e, agentID, "submit"), reply)
		if err == nil {
			end.Outcome, end.ReplyID = events.TurnReplied, reply.MessageID
			return end, nil
		}
		if !errors.Is(err, commands.ErrNotFound) {
			return end, err
		}
		gone = "the channel was deleted"
	}
	end.Outcome, end.Reason = events.TurnIgnored, gone
	return end, nil
}

func (r Reply) complete(ctx context.Context, e events.Recorded, m events.MessageSubmitted, agentID uuid.UUID, end events.TurnCompleted) error {
	end.TurnID = events.TurnID(m.MessageID, agentID)
	end.ChannelID, end.ServerID, end.AgentID, end.MessageID = m.ChannelID, m.ServerID, agentID, m.MessageID
	_, err := commands.Handle(ctx, r.Env, r.request(e, agentID, end.Outcome), commands.CompleteTurn{TurnCompleted: end})
	return err
}

// request carries the cause on, under an id that the next delivery of the same event would give to the same act as well.
func (r Reply) request(e events.Recorded, agentID uuid.UUID, act string) commands.Request {
	return commands.Request{
		ID: events.Derive(e.ID, act, agentID.String()), At: r.Now(), Actor: "agent:" + agentID.String(),
		Correlation: e.Meta.Correlation, Causation: e.ID, Trace: e.Meta.Trace, Hops: e.Meta.Hops + 1,
	}
}

// ReplyID is the id of the one answer that an agent gives to a message.
func ReplyID(message, agent uuid.UUID) uuid.UUID {
	return events.Derive(message, "reply", agent.String())
}

// speakable makes text of what a model said: valid UTF-8 without NUL, no longer than maxReply.
func speakable(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", ""))
	if len(s) > maxReply {
		s = strings.ToValidUTF8(s[:maxReply], "")
	}
	return s
}
