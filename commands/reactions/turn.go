package reactions

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

// turn is one agent's dealing with one message.
type turn struct {
	Reply
	cause   events.Recorded
	message events.MessageSubmitted
	id      uuid.UUID
	agentID uuid.UUID
	model   Text            // the agent's, of answer alone
	repeats events.Position // of what the turn records, see commands.Request
}

func (r Reply) turn(e events.Recorded, m events.MessageSubmitted, agent uuid.UUID) *turn {
	return &turn{Reply: r, cause: e, message: m, id: events.TurnID(m.MessageID, agent), agentID: agent, repeats: e.Position}
}

// wasErased is why a turn ends whose person was erased meanwhile.
const wasErased = "what was said was erased"

// run does what is left to do: nothing, once the turn is completed.
func (t *turn) run(ctx context.Context) error {
	running, stop := t.Aborts.watch(ctx, t.id)
	defer stop()
	known, err := t.load(ctx)
	if err != nil || known.Done() {
		return err
	}
	reply, err := commands.Load[commands.Message](ctx, t.Env, events.MessageStream(t.replyID()))
	if err != nil {
		return err
	}
	if reply.Exists { // an earlier delivery came so far
		return t.complete(ctx, events.TurnCompleted{Outcome: events.TurnReplied, ReplyID: t.replyID()})
	}
	if known.Aborted {
		return t.complete(ctx, events.TurnCompleted{Outcome: events.TurnCutOff})
	}
	agent, gone, err := t.standing(ctx)
	if err != nil {
		return err
	}
	if gone != "" {
		return t.complete(ctx, events.TurnCompleted{Outcome: events.TurnIgnored, Reason: gone})
	}
	text, end, err := t.answer(running, agent)
	if aborted(running) { // what was said so far is not kept: nobody wanted to hear it to the end
		end.Outcome, end.Reason = events.TurnCutOff, ""
		return t.complete(ctx, end)
	}
	if err == nil && text != "" {
		end, err = t.submit(ctx, text, end)
	}
	if errors.Is(err, events.ErrErased) { // while the model was asked
		end, err = events.TurnCompleted{Outcome: events.TurnIgnored, Reason: wasErased}, nil
	}
	if err != nil {
		return err
	}
	return t.complete(ctx, end)
}

func (t *turn) load(ctx context.Context) (commands.Turn, error) {
	return commands.Load[commands.Turn](ctx, t.Env, events.TurnStream(t.id))
}

// standing looks whether there is still somebody to answer and something to be answered, and says what is missing.
func (t *turn) standing(ctx context.Context) (commands.Agent, string, error) {
	agent, err := t.Env.States.Agent(ctx, t.agentID)
	if err != nil {
		return agent, "", err
	}
	if !agent.Running {
		return agent, "the agent does not run", nil
	}
	channel, err := t.Env.States.Channel(ctx, t.message.ChannelID)
	if err != nil {
		return agent, "", err
	}
	if !channel.Exists {
		return agent, "the channel was deleted", nil
	}
	message, err := t.Env.States.MessageNow(ctx, t.message.MessageID)
	if err != nil {
		return agent, "", err
	}
	if !message.Exists {
		return agent, "the message was deleted", nil
	}
	subject, err := commands.Load[commands.Subject](ctx, t.Env, events.SubjectStream(t.message.Subject()))
	if err != nil {
		return agent, "", err
	}
	if subject.Erased > t.cause.Position {
		return agent, wasErased, nil
	}
	return agent, "", nil
}

// answer finds out whether the agent should speak, and asks the model. Without a text, the turn ends as it says.
func (t *turn) answer(ctx context.Context, agent commands.Agent) (string, events.TurnCompleted, error) {
	ignored := events.TurnCompleted{Outcome: events.TurnIgnored}
	t.model = t.Models.Text(agent.Character)
	call, err := t.addressed(ctx)
	if err != nil {
		return "", ignored, err
	}
	if call == notMeant {
		ignored.Reason = "somebody else was addressed"
		return "", ignored, nil
	}
	prompt, remembered, err := t.prompt(ctx, agent)
	if err != nil {
		return "", ignored, err
	}
	if decider, ok := t.model.(Decider); ok && call == anybody {
		speak, err := t.decide(ctx, prompt, decider)
		if err != nil {
			return "", ignored, err
		}
		if !speak {
			ignored.Reason = choseSilence
			return "", ignored, nil
		}
	}
	said, err := t.asked(ctx, textLarge, prompt, func() (Completion, error) { return t.generate(ctx, prompt) })
	if err != nil {
		return "", ignored, err
	}
	end := events.TurnCompleted{
		Model: said.Model, PromptTokens: said.PromptTokens, CompletionTokens: said.CompletionTokens,
		DurationMillis: said.Duration.Milliseconds(), Memories: remembered.memories, Unremembered: remembered.failed,
	}
	answer := speakable(said.Text)
	if answer == "" {
		end.Outcome, end.Reason = events.TurnIgnored, saidNothing
	}
	return answer, end, nil
}

// submit looks again whether the answer is still wanted, and records it.
func (t *turn) submit(ctx context.Context, text string, end events.TurnCompleted) (events.TurnCompleted, error) {
	known, err := t.load(ctx)
	if err != nil {
		return end, err
	}
	if known.Aborted {
		end.Outcome = events.TurnCutOff
		return end, nil
	}
	agent, gone, err := t.standing(ctx)
	if err != nil {
		return end, err
	}
	if gone == "" {
		reply, err := t.compose(ctx, agent, text)
		if err != nil {
			return end, err
		}
		_, err = commands.Submit(ctx, t.Env, t.request("submit"), reply)
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

func (t *turn) complete(ctx context.Context, end events.TurnCompleted) error {
	end.TurnID, end.AgentID, end.MessageID = t.id, t.agentID, t.message.MessageID
	end.ChannelID, end.ServerID = t.message.ChannelID, t.message.ServerID
	_, err := commands.Handle(ctx, t.Env, t.request(end.Outcome), commands.CompleteTurn{TurnCompleted: end})
	return err
}

// request carries the cause on, under an id that the next delivery of the same event would give to the same act as well.
func (t *turn) request(act string) commands.Request {
	return commands.Request{
		ID: events.Derive(t.cause.ID, act, t.agentID.String()), At: t.Now(), Actor: "agent:" + t.agentID.String(),
		Correlation: t.cause.Meta.Correlation, Causation: t.cause.ID, Trace: t.cause.Meta.Trace, Hops: t.cause.Meta.Hops + 1,
		Repeats: t.repeats,
	}
}

func (t *turn) replyID() uuid.UUID { return events.ReplyID(t.message.MessageID, t.agentID) }
