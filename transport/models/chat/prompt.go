// Package chat puts what an agent is to answer into the form in which chat models are asked, and hears what they say.
package chat

import (
	"fmt"
	"strings"

	"annals/commands/reactions"
)

// questionTurns is how much of the conversation it takes to see who is meant.
const questionTurns = 10

// Message is what one side says until the other does.
type Message struct {
	Own  bool // the agent's
	Text string
}

// Conversation gives what the model is told about itself, and the turns. Neighbours of the same side become one message,
// because many models insist on alternation.
func Conversation(p reactions.Prompt) (system string, messages []Message) {
	group := isGroup(p)
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
		messages = append(messages, Message{own, strings.Join(texts, "\n\n")})
	}
	return character(p, group), messages
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

// Question asks for RESPOND or IGNORE: whether the agent should speak. The turns are quoted in one message: a model that is
// handed them as a conversation tends to go on with it.
func Question(p reactions.Prompt) (system, question string) {
	var quoted strings.Builder
	for _, turn := range p.Turns[max(0, len(p.Turns)-questionTurns):] {
		if turn.Own {
			turn.Name = p.Agent
		}
		quoted.WriteString(line(turn) + "\n")
	}
	system = fmt.Sprintf("You decide whether %s speaks next in a conversation. This is %s:\n\n%s\n\n"+
		"Say RESPOND if the last message is meant for %s or for everybody, or if %s has something to add. "+
		"Say IGNORE if it is meant for somebody else or ends the conversation. Say that one word only.",
		p.Agent, p.Agent, p.System, p.Agent, p.Agent)
	return system, quoted.String() + "\nRESPOND or IGNORE?"
}

// DecisionTokens is enough for the answer to Question. A model that thinks aloud first does not come to it, and so responds.
const DecisionTokens = 64

// Decided reads the answer to Question. Only a clear IGNORE keeps the agent silent.
func Decided(answer string) bool {
	answer = strings.ToUpper(answer)
	return strings.Contains(answer, "RESPOND") || !strings.Contains(answer, "IGNORE")
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
