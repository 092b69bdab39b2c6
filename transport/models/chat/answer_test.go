package chat

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// said is the text of an answer that comes in these pieces, and its reasoning.
func said(agent string, pieces ...string) (text, reasoning string) {
	a := NewAnswer(agent, nil, &Habits{})
	for _, p := range pieces {
		a.Say(p)
	}
	return a.End()
}

func TestANameInFrontIsTakenOff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Iris: Yes.":      "Yes.",
		" iris:Yes.":      "Yes.",
		"**Iris:** Yes.":  "Yes.",
		"**Iris**: Yes.":  "Yes.",
		"[Iris]: Yes.":    "Yes.",
		"Iris is here.":   "Iris is here.",
		"Ada: says Iris:": "Ada: says Iris:",
		"a\x00b":          "ab",
		"Iris:":           "",
	} {
		if got, _ := said("Iris", text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got, _ := said("", ": Yes."); got != ": Yes." {
		t.Errorf("without a name: %q", got)
	}
}

// ear keeps what it hears of the newest attempt.
type ear struct {
	heard  []string
	anew   int
	broken bool
}

func (e *ear) Hear(piece string) {
	e.heard = append(e.heard, piece)
	e.broken = e.broken || piece == ""
}
func (e *ear) Again() { e.heard, e.anew = nil, e.anew+1 }

func TestWhatIsHeardPieceByPieceIsTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		agent := rapid.SampledFrom([]string{"", "Iris", "Zoë", "a b"}).Draw(rt, "agent")
		part := rapid.SampledFrom([]string{agent, strings.ToUpper(agent), ":", "**", "[", "]", " ", "\n", "\x00", "é", "word", "I", "\u00a0", "<think>", "</think>", "<|im_end|>"})
		pieces := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string {
			return strings.Join(rapid.SliceOfN(part, 0, 3).Draw(rt, "parts"), "")
		}), 0, 8).Draw(rt, "pieces")
		e := &ear{}
		a := NewAnswer(agent, e, &Habits{})
		if rapid.Bool().Draw(rt, "a first attempt") {
			a.Think("Well.")
			a.Say("<think>Hm.</think>First attempt")
			a.Again()
			if e.anew != 1 {
				rt.Fatal("another attempt was not told")
			}
		}
		for _, p := range pieces {
			a.Say(p)
		}
		text, reasoning := a.End()
		wholeText, wholeReasoning := said(agent, strings.Join(pieces, ""))
		if heard := strings.Join(e.heard, ""); heard != text || text != wholeText || reasoning != wholeReasoning || e.broken {
			rt.Fatalf("heard %q of %q and %q, but whole it is %q and %q", e.heard, text, reasoning, wholeText, wholeReasoning)
		}
	})
}

func TestASilentBeginningOfAnAttemptIsNotTold(t *testing.T) {
	t.Parallel()
	e := &ear{}
	a := NewAnswer("Iris", e, &Habits{})
	a.Say(" Iris")
	a.Again()
	a.Say("Yes.")
	if a.End(); e.anew != 0 || strings.Join(e.heard, "") != "Yes." {
		t.Errorf("heard %q after %d attempts", e.heard, e.anew)
	}
}

func TestReasoningThatIsOnlyClosedIsTakenBackOnceAndThenHeldBack(t *testing.T) {
	t.Parallel()
	habits := &Habits{}
	for attempt, anew := range []int{1, 0, 0} {
		e := &ear{}
		a := NewAnswer("Iris", e, habits)
		a.Think("Well.")
		a.Say("She greets me.")
		a.Say("</think>Iris: Yes.")
		text, reasoning := a.End()
		if text != "Yes." || reasoning != "Well.\nShe greets me." || strings.Join(e.heard, "") != text || e.anew != anew {
			t.Errorf("answer %d: heard %q of %q after %d attempts, reasoning %q", attempt, e.heard, text, e.anew, reasoning)
		}
	}
}
