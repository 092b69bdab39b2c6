package openai

import (
	"github.com/openai/openai-go/v3"

	"annals/commands/reactions"
	"annals/transport/models/chat"
)

type messages = []openai.ChatCompletionMessageParamUnion

// conversation puts the character first, then the turns.
func conversation(p reactions.Prompt) messages {
	system, turns := chat.Conversation(p)
	out := messages{openai.SystemMessage(system)}
	for _, turn := range turns {
		if turn.Own {
			out = append(out, openai.AssistantMessage(turn.Text))
		} else {
			out = append(out, openai.UserMessage(turn.Text))
		}
	}
	return out
}

func question(p reactions.Prompt) messages {
	system, question := chat.Question(p)
	return messages{openai.SystemMessage(system), openai.UserMessage(question)}
}
