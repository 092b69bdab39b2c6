package chat

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

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

func TestANameInFrontIsTakenOff(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
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
		if got := Spoken("Iris", said); got != want {
			t.Errorf("%q became %q, want %q", said, got, want)
		}
	}
	if got := Spoken("", ": Yes."); got != ": Yes." {
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

func TestWhatIsHeardPieceByPieceIsWhatIsSpoken(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		agent := rapid.SampledFrom([]string{"", "Iris", "Zoë", "a b"}).Draw(rt, "agent")
		part := rapid.SampledFrom([]string{agent, strings.ToUpper(agent), ":", "**", "[", "]", " ", "\n", "\x00", "é", "word", "I", "\u00a0"})
		pieces := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string {
			return strings.Join(rapid.SliceOfN(part, 0, 3).Draw(rt, "parts"), "")
		}), 0, 8).Draw(rt, "pieces")
		e := &ear{}
		v := NewVoice(agent, e)
		if rapid.Bool().Draw(rt, "a first attempt") {
			v.Say("First attempt")
			v.Again()
			if e.anew != 1 {
				rt.Fatal("another attempt was not told")
			}
		}
		for _, p := range pieces {
			v.Say(p)
		}
		v.End()
		if got, want := strings.Join(e.heard, ""), Spoken(agent, strings.Join(pieces, "")); got != want || e.broken {
			rt.Fatalf("heard %q of %q, want %q", e.heard, pieces, want)
		}
	})
}

func TestASilentBeginningOfAnAttemptIsNotTold(t *testing.T) {
	t.Parallel()
	e := &ear{}
	v := NewVoice("Iris", e)
	v.Say(" Iris")
	v.Again()
	v.Say("Yes.")
	if v.End(); e.anew != 0 || strings.Join(e.heard, "") != "Yes." {
		t.Errorf("heard %q after %d attempts", e.heard, e.anew)
	}
	NewVoice("Iris", nil).Say("to nobody")
}
