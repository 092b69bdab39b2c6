package openai

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"annals/commands/reactions"
	"annals/transport/models/openai/openaitest"
)

// sent is the form in which messages travel.
func sent(t testing.TB, m messages) []openaitest.Message {
	t.Helper()
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var out []openaitest.Message
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInAGroupEveryMessageBearsItsSpeakersName(t *testing.T) {
	t.Parallel()
	got := sent(t, conversation(reactions.Prompt{Agent: "Iris", Turns: []reactions.Turn{
		{Name: "Ada", Text: "Who waters the ferns?"},
		{Name: "Grace\nHopper", Text: "Not I."},
		{Name: "Iris", Own: true, Text: "I do."},
		{Name: "Ada", Text: "Thanks."},
	}}))[1:]
	want := []openaitest.Message{
		{Role: "user", Content: "Ada: Who waters the ferns?\n\nGrace Hopper: Not I."},
		{Role: "assistant", Content: "I do."},
		{Role: "user", Content: "Ada: Thanks."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAfterTheCharacterTheSidesAlternate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := reactions.Prompt{Agent: "Iris"}
		for _, own := range rapid.SliceOf(rapid.Bool()).Draw(rt, "own") {
			p.Turns = append(p.Turns, reactions.Turn{Name: "Ada", Own: own, Text: "Yes."})
		}
		roles := sent(t, conversation(p))
		if roles[0].Role != "system" {
			rt.Fatalf("begins with %q", roles[0].Role)
		}
		for i := 1; i < len(roles); i++ {
			if roles[i].Role == roles[i-1].Role {
				rt.Fatalf("two messages of %q in a row", roles[i].Role)
			}
		}
	})
}
