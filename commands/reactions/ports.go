// Package reactions holds what happens because something happened: an event comes in, a model or another tool is
// called, a command goes out. It is the only place with side effects; a rebuild of the read models cannot reach it.
package reactions

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// Text is a language model as the reactions need it. Implementations are in transport/models; each is safe for
// concurrent use, honours the context, and repeats by itself what is worth repeating at once (a 429, a cut connection).
// The text of its errors is logged: it holds nothing of the prompt, of a key, or of what an endpoint wrote.
type Text interface {
	// Generate answers the last turn of the prompt. An empty text means that there is nothing to say.
	// An error that wraps ErrRefused is final: asking again would give the same.
	Generate(ctx context.Context, p Prompt) (Completion, error)
}

// Models gives each character the model that it speaks with.
type Models interface {
	Text(events.Character) Text
}

// Streamer is a Text that also tells what it says while it comes up with it. A Text without it is heard at the end.
type Streamer interface {
	// Stream is Generate. What the listener has heard makes up the text of the completion.
	Stream(ctx context.Context, p Prompt, l Listener) (Completion, error)
}

// Listener hears an answer while it comes into being, from one goroutine at a time. It never blocks.
type Listener interface {
	// Hear takes the next piece.
	Hear(piece string)
	// Again says that the answer begins anew: what was heard so far counts no more.
	Again()
}

// Decider is a Text that can also be asked whether the agent should speak at all. A Text without it always answers.
type Decider interface {
	ShouldReply(ctx context.Context, p Prompt) (bool, error)
}

// Explained is an error of a model with an explanation in the adapter's own words, which is recorded with the turn that failed: no
// secret is in it, and nothing that was said to the model or by it.
type Explained interface {
	error
	Explanation() string
}

// ErrRefused marks an answer of a model that will not change when it is asked again: a wrong key, an unknown model,
// a prompt that it does not accept.
var ErrRefused = errors.New("the model refused")

// Prompt is what a model gets to see: who speaks, and what was said.
type Prompt struct {
	// Agent is the name under which the model speaks.
	Agent string
	// System describes the character, and what it remembers.
	System string
	// Character is System without what may be others' words, where there are such.
	Character string
	// Turns is the recent conversation, oldest first; the last one is to be answered.
	Turns []Turn
}

// Turn is one contribution to the conversation.
type Turn struct {
	// Name is the speaker's display name; Own tells whether the speaker is the agent itself, and Other whether the words are neither
	// the agent's own nor those of the person whom it answers, or an answer to these.
	Name  string
	Own   bool
	Other bool
	Text  string
}

// Completion is what the model said, and what it took.
type Completion struct {
	Text string
	// Reasoning is what the model thought aloud before it said that. It is no part of the answer.
	Reasoning        string
	Model            string
	PromptTokens     int
	CompletionTokens int
	Duration         time.Duration
}

// History is what was said in a channel, as the read models have it. Its errors mean that it cannot be read now.
type History interface {
	// Conversation gives the last n messages up to a position, oldest first.
	Conversation(ctx context.Context, channel uuid.UUID, upTo events.Position, n int) ([]Said, error)
	// Readable returns once everything up to the position can be read, however long that takes.
	Readable(ctx context.Context, p events.Position) error
}

// Said is one message of a conversation.
type Said struct {
	AuthorID   uuid.UUID
	AuthorName string
	Content    string
	// SubjectID is the person whose words it has: the author or, of an agent's answer, the person whom it answers. It is the agent
	// where it answers no one, and uuid.Nil where that is not known.
	SubjectID uuid.UUID
	// Position is where it was said.
	Position events.Position
}
