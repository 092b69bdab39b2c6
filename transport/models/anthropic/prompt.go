package anthropic

import (
	"slices"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"

	"annals/commands/reactions"
	"annals/transport/models/chat"
)

// earlier stands for what was said before the part of a conversation that begins with the agent: the API wants the other
// side to begin.
const earlier = "(The beginning of the conversation is left out.)"

// conversation leaves out what is blank: the API refuses it.
func conversation(p reactions.Prompt) anthropic.MessageNewParams {
	p.Turns = slices.DeleteFunc(slices.Clone(p.Turns), func(t reactions.Turn) bool { return strings.TrimSpace(t.Text) == "" })
	system, turns := chat.Conversation(p)
	params := anthropic.MessageNewParams{System: []anthropic.TextBlockParam{{Text: system}}}
	if len(turns) == 0 || turns[0].Own {
		params.Messages = append(params.Messages, anthropic.NewUserMessage(anthropic.NewTextBlock(earlier)))
	}
	for _, turn := range turns {
		block := anthropic.NewTextBlock(turn.Text)
		if turn.Own {
			params.Messages = append(params.Messages, anthropic.NewAssistantMessage(block))
		} else {
			params.Messages = append(params.Messages, anthropic.NewUserMessage(block))
		}
	}
	return params
}

func question(p reactions.Prompt) anthropic.MessageNewParams {
	system, question := chat.Question(p)
	return anthropic.MessageNewParams{
		System:   []anthropic.TextBlockParam{{Text: system}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(question))},
	}
}
