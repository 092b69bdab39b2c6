package reactions

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

// maxSystem bounds what a model is shown of the character, in bytes: some 3,000 tokens.
const maxSystem = 12 << 10

// prompt is the character, what it remembers of what the message is about, and the recent conversation up to the message, as
// far as it fits; with what is to be recorded of the memories. What the turn records repeats the person's words in it from then on.
func (t *turn) prompt(ctx context.Context, agent commands.Agent) (Prompt, remembered, error) {
	m := t.message
	said, err := t.History.Conversation(ctx, m.ChannelID, t.cause.Position, recent)
	if err != nil {
		return Prompt{}, remembered{}, fmt.Errorf("%w: %w", errBehind, err)
	}
	found, failed := t.memories(ctx, said)
	p := Prompt{Agent: agent.Character.Name, Character: describe(agent.Character)}
	p.System = withMemories(p.Character, found)
	room := contextTokens - tokens(p.System)
	last := Turn{Name: speaker(m.AuthorName), Text: ends(m.Content, room)}
	shown := within(said, room)
	for _, s := range shown {
		p.Turns = append(p.Turns, contribution(s, t.agentID, m.Subject()))
	}
	t.repeats = min(t.repeats, repeated(shown, m.Subject(), t.repeats))
	if n := len(p.Turns); n == 0 || p.Turns[n-1].Own || p.Turns[n-1].Text != last.Text {
		// The message was edited or something was submitted at the same moment: what is answered is what was delivered.
		p.Turns = append(p.Turns, last)
	}
	return p, remembered{uses(found), failed}, nil
}

// contribution is a message as the agent that answers another one sees it.
func contribution(s Said, agentID, answered uuid.UUID) Turn {
	own := s.AuthorID == agentID
	return Turn{Name: speaker(s.AuthorName), Own: own, Other: s.SubjectID != answered && (!own || s.SubjectID != agentID), Text: s.Content}
}

// repeated is where the first legible words of a person stand in a conversation, and otherwise where there are none.
func repeated(said []Said, person uuid.UUID, otherwise events.Position) events.Position {
	for _, s := range said {
		if s.SubjectID == person && s.Content != events.Erased {
			return s.Position
		}
	}
	return otherwise
}

// within keeps the newest messages that fit into so many tokens. Of a newest one that is too long, it keeps the ends.
func within(said []Said, budget int) []Said {
	left := budget
	for i := len(said) - 1; i >= 0; i-- {
		if left -= tokens(said[i].Content); left >= 0 {
			continue
		}
		if i < len(said)-1 {
			return said[i+1:]
		}
		newest := said[i]
		newest.Content = ends(newest.Content, budget)
		return []Said{newest}
	}
	return said
}

func speaker(name string) string {
	if name == "" {
		return "User"
	}
	return name
}

// describe tells a model who it is. Secrets are no part of it.
func describe(c events.Character) string {
	var b strings.Builder
	line := func(format string, args ...any) {
		if b.Len() < maxSystem {
			fmt.Fprintf(&b, format+"\n", args...)
		}
	}
	if c.System != "" {
		line("%s", c.System)
	}
	line("You are %s.", c.Name)
	if bio := texts(c.Bio); len(bio) > 0 {
		line("About you: %s", strings.Join(bio, " "))
	}
	if len(c.Adjectives) > 0 {
		line("You are: %s.", strings.Join(c.Adjectives, ", "))
	}
	if len(c.Topics) > 0 {
		line("You know about: %s.", strings.Join(c.Topics, ", "))
	}
	var style struct{ All, Chat []string }
	if len(c.Style) > 0 && json.Unmarshal(c.Style, &style) == nil {
		for _, rule := range append(style.All, style.Chat...) {
			line("- %s", rule)
		}
	}
	out := strings.ReplaceAll(strings.TrimSpace(b.String()), "{{agentName}}", c.Name)
	if len(out) > maxSystem {
		out = strings.ToValidUTF8(out[:maxSystem], "")
	}
	return out
}

// texts reads a string or an array of strings.
func texts(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	return many
}

// compose is the answer as a message (CONTRACT 3, step 4).
func (t *turn) compose(ctx context.Context, agent commands.Agent, text string) (reply commands.SubmitMessage, err error) {
	m := t.message
	channel, err := t.Env.States.Channel(ctx, m.ChannelID)
	if err != nil {
		return reply, err
	}
	raw, err := json.Marshal(map[string]any{"text": text, "thought": "", "actions": []string{"REPLY"}})
	if err != nil {
		return reply, err
	}
	metadata, err := json.Marshal(map[string]any{
		"agent_id": t.agentID, "agentName": agent.Character.Name, "channelType": channel.Type, "isDm": channel.Type == "DM",
	})
	if err != nil {
		return reply, err
	}
	return commands.SubmitMessage{
		MessageID: t.replyID(), ChannelID: m.ChannelID, ServerID: m.ServerID,
		AuthorID: t.agentID, AuthorName: agent.Character.Name, Content: text, RawMessage: raw, Metadata: metadata,
		SourceType: "agent_response", InReplyTo: m.MessageID,
	}, nil
}
