package openai

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"

	"annals/transport/models/chat"
	"annals/transport/models/modelstest"
	"annals/transport/models/openai/openaitest"
)

const (
	thought = "The user greets me."
	greeted = "Good day to you all."
)

// thinking are the ways in which endpoints send the same thought and the same answer.
var thinking = map[string]openaitest.Script{
	"tags":                     {Answer: saying("<think>\n" + thought + "\n</think>\n\nIris: " + greeted)},
	"a closing tag alone":      {Answer: saying(thought + "\n</think>\n\nIris: " + greeted)},
	"channels":                 {Answer: saying("<|channel|>analysis<|message|>" + thought + "<|end|><|start|>assistant<|channel|>final<|message|>" + greeted + "<|return|>")},
	"reasoning_content":        {Answer: saying(greeted), Reasoning: map[string]string{"reasoning_content": thought}},
	"reasoning":                {Answer: saying(greeted), Reasoning: map[string]string{"reasoning": thought}},
	"a mark behind the answer": {Answer: saying(greeted + "<|im_end|>"), Reasoning: map[string]string{"reasoning": thought}},
}

func saying(text string) func(openaitest.Request) string {
	return func(openaitest.Request) string { return text }
}

func TestReasoningIsKeptApartFromTheAnswer(t *testing.T) {
	t.Parallel()
	for name, script := range thinking {
		for _, letters := range []bool{false, true} {
			script.Letters = letters
			m := model(openaitest.Start(t, script))
			whole, err := m.Generate(t.Context(), hello)
			if err != nil || whole.Text != greeted || whole.Reasoning != thought {
				t.Errorf("%s: got %+v, %v", name, whole, err)
			}
			e := &modelstest.Ear{}
			streamed, err := m.Stream(t.Context(), hello, e)
			if err != nil || streamed.Text != greeted || streamed.Reasoning != thought || strings.Join(e.Heard, "") != greeted {
				t.Errorf("%s: heard %q of %+v, %v", name, e.Heard, streamed, err)
			}
			if e.Anew > 0 {
				t.Errorf("%s: the reasoning was heard, although an earlier answer had shown where it ends", name)
			}
		}
	}
}

func TestReasoningUnderBothNamesIsTakenOnce(t *testing.T) {
	t.Parallel()
	script := openaitest.Script{Reasoning: map[string]string{"reasoning": thought, "reasoning_content": thought}}
	said, err := model(openaitest.Start(t, script)).Generate(t.Context(), hello)
	if err != nil || said.Reasoning != thought || said.Text != "Hello." {
		t.Errorf("got %+v, %v", said, err)
	}
}

func TestReasoningAmongThePartsOfTheContentIsKeptApart(t *testing.T) {
	t.Parallel()
	const content = `[{"type":"thinking","thinking":[{"type":"text","text":"` + thought + `"}]},{"type":"text","text":"Iris: ` + greeted + `"}]`
	whole := openaitest.Script{Raw: `{"model":"oracle","choices":[{"message":{"role":"assistant","content":` + content + `}}]}`}
	if said, err := model(openaitest.Start(t, whole)).Generate(t.Context(), hello); err != nil || said.Text != greeted || said.Reasoning != thought {
		t.Errorf("got %+v, %v", said, err)
	}
	var chunk openai.ChatCompletionChunk
	if err := json.Unmarshal([]byte(`{"choices":[{"delta":{"content":`+content+`}}]}`), &chunk); err != nil {
		t.Fatal(err)
	}
	answer := chat.NewAnswer("Iris", nil, &chat.Habits{})
	said := chunk.Choices[0].Delta
	take(answer, said.JSON.Content, said.Content, said.JSON.ExtraFields)
	if text, reasoning := answer.End(); text != greeted || reasoning != thought {
		t.Errorf("got %q and %q", text, reasoning)
	}
}

func TestAnAnswerOfReasoningAloneSaysNothing(t *testing.T) {
	t.Parallel()
	said, err := model(openaitest.Start(t, openaitest.Script{Answer: saying("<think>" + thought)})).Generate(t.Context(), hello)
	if err != nil || said.Text != "" || said.Reasoning != thought {
		t.Errorf("got %+v, %v", said, err)
	}
}

func TestAWordOfTheReasoningIsNoDecision(t *testing.T) {
	t.Parallel()
	server := openaitest.Start(t, openaitest.Script{Answer: saying("<think>Should I IGNORE it?</think>RESPOND")})
	if speak, err := model(server).ShouldReply(t.Context(), hello); err != nil || !speak {
		t.Errorf("got %t, %v", speak, err)
	}
	server = openaitest.Start(t, openaitest.Script{Answer: saying("<think>Should I RESPOND?</think>IGNORE")})
	if speak, err := model(server).ShouldReply(t.Context(), hello); err != nil || speak {
		t.Errorf("got %t, %v", speak, err)
	}
}
