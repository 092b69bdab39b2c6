package openai

import (
	"fmt"
	"strings"

	"github.com/openai/openai-go/v3"

	"annals/commands/reactions"
)

// questionTurns is how much of the conversation it takes to see who is meant.
const questionTurns = 10

type messages = []openai.ChatCompletionMessageParamUnion

// conversation puts the character first, then the turns. Neighbours of the same side become one message, because the
// templates of many open models insist on alternation.
func conversation(p reactions.Prompt) messages {
	group := isGroup(p)
	out := messages{openai.SystemMessage(character(p, group))}
	for i := 0; i < len(p.Turns); {
		own := p.Turns[i].Own
		var texts []string
		for ; i < len(p.Turns) && p.Turns[i].Own == own; i++ {
			turn := p.Turns[i]
			if group && !own {
				turn.Text = line(turn)
			}
			texts = append(texts, turn.Text)
		}
		text := strings.Join(texts, "\n\n")
		if own {
			out = append(out, openai.AssistantMessage(text))
		} else {
			out = append(out, openai.UserMessage(text))
		}
	}
	return out
}

func character(p reactions.Prompt, group bool) string {
	parts := []string{fmt.Sprintf("You are %s.", p.Agent)}
	if p.System != "" {
		parts = append(parts, p.System)
	}
	if group {
		parts = append(parts, "Several people take part; each of their messages begins with the name of who speaks.")
	}
	parts = append(parts, fmt.Sprintf("Answer the last message as %s, in plain text only, without your name in front.", p.Agent))
	return strings.Join(parts, "\n\n")
}

// question asks for RESPOND or IGNORE. The turns are quoted in one message: a model that is handed them as a
// conversation tends to go on with it.
func question(p reactions.Prompt) messages {
	var quoted strings.Builder
	for _, turn := range p.Turns[max(0, len(p.Turns)-questionTurns):] {
		if turn.Own {
			turn.Name = p.Agent
		}
		quoted.WriteString(line(turn) + "\n")
	}
	return messages{
		openai.SystemMessage(fmt.Sprintf("You decide whether %s speaks next in a conversation. This is %s:\n\n%s\n\n"+
			"Say RESPOND if the last message is meant for %s or for everybody, or if %s has something to add. "+
			"Say IGNORE if it is meant for somebody else or ends the conversation. Say that one word only.",
			p.Agent, p.Agent, p.System, p.Agent, p.Agent)),
		openai.UserMessage(quoted.String() + "\nRESPOND or IGNORE?"),
	}
}

// isGroup tells whether more than one other speaker has said something.
func isGroup(p reactions.Prompt) bool {
	first, any := "", false
	for _, turn := range p.Turns {
		if turn.Own {
			continue
		}
		if any && turn.Name != first {
			return true
		}
		first, any = turn.Name, true
	}
	return false
}

func line(t reactions.Turn) string {
	return strings.Join(strings.Fields(t.Name), " ") + ": " + t.Text
}

// spoken takes off what models like to add, their name in front, and the one character that no event may hold.
func spoken(agent, text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\x00", ""))
	for _, prefix := range []string{agent + ":", "**" + agent + ":**", "**" + agent + "**:", "[" + agent + "]:"} {
		if agent != "" && len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
			return strings.TrimSpace(text[len(prefix):])
		}
	}
	return text
}
