package chat

import (
	"strings"
	"testing"

	"annals/commands/reactions"
)

func TestADecisionNeedsOnlyTheLastTurns(t *testing.T) {
	t.Parallel()
	p := reactions.Prompt{Agent: "Iris"}
	for range 3 * questionTurns {
		p.Turns = append(p.Turns, reactions.Turn{Own: true, Text: "Yes."})
	}
	if _, question := Question(p); strings.Count(question, "Iris: Yes.") != questionTurns {
		t.Errorf("quoted was %s", question)
	}
}
