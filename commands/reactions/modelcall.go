package reactions

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

// Kinds of models, as ElizaOS names them.
const (
	textLarge = "TEXT_LARGE" // answers
	textSmall = "TEXT_SMALL" // decides whether to
)

const (
	// maxLogged bounds each text in the body of an entry of an agent's log, in bytes.
	maxLogged = 192 << 10
	// maxReasoning bounds what is kept of a model's reasoning, in bytes.
	maxReasoning = 64 << 10
)

// recordBudget bounds recording a call after its own time ran out.
const recordBudget = 5 * time.Second

// Provider is a Text that tells who provides it, such as "openai", for the log.
type Provider interface{ Provider() string }

// modelCall is what the agent's log keeps of a question to a model (CONTRACT 2.7).
type modelCall struct {
	ModelType     string    `json:"modelType"`
	ModelKey      string    `json:"modelKey"`
	Model         string    `json:"model,omitempty"`
	Provider      string    `json:"provider"`
	Prompt        string    `json:"prompt"`
	Response      string    `json:"response"`
	Error         string    `json:"error,omitempty"`
	RunID         uuid.UUID `json:"runId"`
	Timestamp     int64     `json:"timestamp"`
	ExecutionTime float64   `json:"executionTime"` // milliseconds
	Usage         *usage    `json:"usage,omitempty"`
	ChannelID     uuid.UUID `json:"channelId"`
	MessageID     uuid.UUID `json:"messageId,omitzero"`

	reasoning string // kept beside the body
}

type usage struct {
	PromptTokens     int `json:"promptTokens"`
	CompletionTokens int `json:"completionTokens"`
	TotalTokens      int `json:"totalTokens"`
}

// asked asks a model in the course of a turn and writes down in the agent's log what came of it, also when that is an error.
// The entry's id derives from the turn and from how often the model failed in it before: what it answered once, before a
// crash, is its answer.
func (t *turn) asked(ctx context.Context, kind string, p Prompt, ask func() (Completion, error)) (Completion, error) {
	entry, answered, err := t.unasked(ctx, kind)
	if err != nil || answered != nil {
		return answered.completion(), err
	}
	began := t.Now()
	said, failed := ask()
	if t.Asked != nil {
		t.Asked(ctx, kind, provider(t.model, said), began, said, failed)
	}
	if errors.Is(ctx.Err(), context.Canceled) && !aborted(ctx) {
		return said, modelFailure{ctx.Err()} // this life is over
	}
	if aborted(ctx) {
		failed = errAborted
	}
	call := newCall(t.model, kind, p, began, t.Now(), said, failed)
	call.RunID, call.ChannelID, call.MessageID = t.id, t.message.ChannelID, t.message.MessageID
	err = t.record(ctx, entry, call)
	if failed != nil {
		return said, modelFailure{failed}
	}
	return said, err
}

// newCall is what is kept of a question to a model, and of what came of it.
func newCall(model Text, kind string, p Prompt, began, ended time.Time, said Completion, failed error) modelCall {
	call := modelCall{
		ModelType: kind, ModelKey: kind, Model: said.Model, Provider: provider(model, said), Prompt: loggable(p.recorded(), maxLogged),
		Response: loggable(said.Text, maxLogged), Timestamp: began.UnixMilli(), ExecutionTime: float64(ended.Sub(began).Microseconds()) / 1000,
		reasoning: loggable(said.Reasoning, maxReasoning),
	}
	if n := said.PromptTokens + said.CompletionTokens; n > 0 {
		call.Usage = &usage{said.PromptTokens, said.CompletionTokens, n}
	}
	if failed != nil {
		call.Error = loggable(failed.Error(), maxLogged)
	}
	return call
}

// unasked is the entry that the next call of the turn gets, or what the model answered in it already.
func (t *turn) unasked(ctx context.Context, kind string) (uuid.UUID, *modelCall, error) {
	for attempt := 0; ; attempt++ {
		id := events.Derive(t.id, "log", kind, strconv.Itoa(attempt))
		entry, err := commands.Load[commands.LogEntry](ctx, t.Env, events.AgentLogStream(id))
		if err != nil || !entry.Recorded {
			return id, nil, err
		}
		var call modelCall // of an author who was erased nothing is left
		if json.Unmarshal(entry.Body, &call) == nil && call.RunID == t.id && call.Error == "" {
			return id, &call, nil
		}
	}
}

// completion is what the model said in an earlier call.
func (c *modelCall) completion() Completion {
	if c == nil {
		return Completion{}
	}
	said := Completion{Text: c.Response, Model: c.Model, Duration: time.Duration(c.ExecutionTime * float64(time.Millisecond))}
	if c.Usage != nil {
		said.PromptTokens, said.CompletionTokens = c.Usage.PromptTokens, c.Usage.CompletionTokens
	}
	return said
}

// record writes an entry, also of a call that has used up the delivery's time.
func (t *turn) record(ctx context.Context, entry uuid.UUID, call modelCall) error {
	body, err := json.Marshal(call)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordBudget)
	defer cancel()
	_, err = commands.Handle(ctx, t.Env, t.request("log "+entry.String()), commands.RecordLog{LogRecorded: events.LogRecorded{
		LogID: entry, AgentID: t.agentID, RoomID: t.agentID, EntityID: t.agentID, SubjectID: t.message.Subject(), TurnID: t.id,
		Type: events.LogModelCall + call.ModelType, Body: body, Reasoning: call.reasoning,
	}})
	return err
}

// decide asks a model whether the agent should speak at all.
func (t *turn) decide(ctx context.Context, p Prompt, d Decider) (bool, error) {
	said, err := t.asked(ctx, textSmall, p, func() (Completion, error) {
		speak, err := d.ShouldReply(ctx, p)
		switch {
		case err != nil:
			return Completion{}, err
		case speak:
			return Completion{Text: respond}, nil
		}
		return Completion{Text: "IGNORE"}, nil
	})
	return said.Text == respond, err
}

// respond is the word for speaking.
const respond = "RESPOND"

func provider(model Text, said Completion) string {
	if p, ok := model.(Provider); ok {
		return p.Provider()
	}
	return said.Model
}

// What stands in a recorded prompt for words of others than whom is answered, under whose key it is sealed: whoever of them is
// erased is not to be found in it. The words are where they were said, and the memories are recorded with the turn.
const (
	recordedMemories = "[what was remembered: see the turn's memories]"
	recordedOthers   = "[somebody else: see the channel]"
)

// recorded is the prompt as one text: who speaks, then what was said, the last of it to be answered.
func (p Prompt) recorded() string {
	var b strings.Builder
	b.WriteString(cmp.Or(p.Character, p.System))
	if p.Character != "" && p.Character != p.System {
		b.WriteString("\n\n" + recordedMemories)
	}
	for _, t := range p.Turns {
		switch {
		case t.Other:
			b.WriteString("\n\n" + recordedOthers)
		case t.Own:
			fmt.Fprintf(&b, "\n\n%s: %s", p.Agent, t.Text)
		default:
			fmt.Fprintf(&b, "\n\n%s: %s", t.Name, t.Text)
		}
	}
	return b.String()
}

// loggable makes text that may become an event, no longer than limit.
func loggable(s string, limit int) string {
	s = recordable(s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
