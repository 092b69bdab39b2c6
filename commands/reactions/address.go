package reactions

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

// call is how a message concerns one agent.
type call int

const (
	notMeant call = iota // somebody else is addressed, or the agent may not answer
	anybody              // nobody in particular is addressed
	meant                // the agent is addressed
)

// direct are the types of channels in which an agent always answers a person.
var direct = []string{"DM", "VOICE_DM", "SELF", "API"}

// addressed tells how the message concerns the agent: a person's message in a direct channel always does; elsewhere
// whoever is named, mentioned or replied to is meant, and without any such everybody is. An agent's message concerns
// only the agents that it addresses, and nobody beyond the hop budget.
func (t *turn) addressed(ctx context.Context) (call, error) {
	m := t.message
	if m.ByAgent && t.cause.Meta.Hops >= hopBudget {
		return notMeant, nil
	}
	channel, err := t.Env.States.Channel(ctx, m.ChannelID)
	if err != nil {
		return notMeant, err
	}
	if !m.ByAgent && slices.Contains(direct, channel.Type) {
		return meant, nil
	}
	repliedTo, err := t.repliedTo(ctx)
	if err != nil {
		return notMeant, err
	}
	somebody := m.ByAgent || mentionsSomebody(m.Content) || (repliedTo != uuid.Nil && repliedTo != m.AuthorID)
	for _, id := range channel.Participants {
		agent, err := t.Env.States.Agent(ctx, id)
		if err != nil {
			return notMeant, err
		}
		if !agent.Exists || id == m.AuthorID || (id != repliedTo && !names(m.Content, id, agent)) {
			continue
		}
		if id == t.agentID {
			return meant, nil
		}
		somebody = true
	}
	if somebody {
		return notMeant, nil
	}
	return anybody, nil
}

// repliedTo is the author of the message that this one answers.
func (t *turn) repliedTo(ctx context.Context) (uuid.UUID, error) {
	if t.message.InReplyTo == uuid.Nil {
		return uuid.Nil, nil
	}
	before, err := commands.Load[commands.Message](ctx, t.Env, events.MessageStream(t.message.InReplyTo))
	return before.AuthorID, err
}

// names tells whether the text has the agent's name, user name or id as words of their own.
func names(text string, id uuid.UUID, agent commands.Agent) bool {
	for _, name := range []string{agent.Character.Name, agent.Character.Username, id.String()} {
		if name != "" && hasWords(text, name) {
			return true
		}
	}
	return false
}

// hasWords looks for words regardless of case, with no letter or digit on either side.
func hasWords(text, words string) bool {
	text, words = strings.ToLower(text), strings.ToLower(words)
	for from := 0; ; {
		i := strings.Index(text[from:], words)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(words)
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if !isWord(before) && !isWord(after) {
			return true
		}
		from = end
	}
}

// mentionsSomebody tells whether the text mentions anybody with an at sign.
func mentionsSomebody(text string) bool {
	for i, c := range text {
		if c != '@' {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+1:])
		if !isWord(before) && isWord(after) {
			return true
		}
	}
	return false
}

func isWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_')
}
