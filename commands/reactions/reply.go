package reactions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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

var replying = Declaration{
	Name:      "reply",
	Types:     []string{events.MessageSubmitted{}.EventType()},
	Partition: place,
	AtOnce:    func(Ports) int { return channelsAtOnce },
	Budget:    budget,
	Make: func(p Ports) Reaction {
		return Reply{
			Env: p.Env, Models: p.Models, History: p.History, Now: p.Now, Aborts: p.Aborts, Recall: p.Recall, Stream: p.Stream, Asked: p.Asked,
		}
	},
}

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
	Stream func(events.Chunk)
	// Asked is told, where it is set, of every call of the model.
	Asked func(ctx context.Context, kind, provider string, began time.Time, said Completion, err error)
}

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
		if err := r.turn(e, m, agent).run(ctx); err != nil {
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
		failed = errors.Join(failed, r.turn(e, m, agent).complete(ctx, end))
	}
	return failed
}

// recordable is a text as an event may have it: valid UTF-8 without NUL.
func recordable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// speakable makes text of what a model said, no longer than maxReply.
func speakable(s string) string {
	s = strings.TrimSpace(recordable(s))
	if len(s) > maxReply {
		s = strings.ToValidUTF8(s[:maxReply], "")
	}
	return s
}
