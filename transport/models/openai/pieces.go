package openai

import (
	"encoding/json"
	"strings"

	"github.com/openai/openai-go/v3/packages/respjson"

	"annals/transport/models/chat"
)

// take adds a message, or a piece of one, to an answer. Some endpoints send the reasoning in a field of its own, under either name
// or under both; Mistral's sends it as parts of the content.
func take(answer *chat.Answer, content respjson.Field, said string, extra map[string]respjson.Field) {
	for _, name := range []string{"reasoning_content", "reasoning"} {
		var thought string
		if json.Unmarshal([]byte(extra[name].Raw()), &thought) == nil && thought != "" {
			answer.Think(thought)
			break
		}
	}
	if strings.HasPrefix(content.Raw(), "[") {
		takeParts(answer, content.Raw())
		return
	}
	answer.Say(said)
}

// part is one part of a content that is a list.
type part struct {
	Text     string
	Thinking []struct{ Text string }
}

func takeParts(answer *chat.Answer, content string) {
	var parts []part
	_ = json.Unmarshal([]byte(content), &parts) // parts of other kinds say nothing
	for _, p := range parts {
		for _, thought := range p.Thinking {
			answer.Think(thought.Text)
		}
		answer.Say(p.Text)
	}
}
