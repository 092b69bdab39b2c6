package reasoning

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReasoningIsKeptApartFromTheAnswer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"<think>Who is she?</think>Hello.":                {"Hello.", "Who is she?"},
		"\n<think>\nWho\n\nis she?\n</think>\n\nHello.\n": {"\nHello.\n", "Who\n\nis she?"},
		"<THINK>a</THINK>Hello.":                          {"Hello.", "a"},
		"<Thinking>a</Thinking>Hello.":                    {"Hello.", "a"},
		"<reasoning>a</reasoning>Hello.":                  {"Hello.", "a"},
		"<thought>a</thought>Hello.":                      {"Hello.", "a"},
		"<thinking mode=\"deep\">a</thinking >Hello.":     {"Hello.", "a"},
		"<seed:think>a</seed:think>Hello.":                {"Hello.", "a"},
		"[THINK]a[/THINK]Hello.":                          {"Hello.", "a"},
		"◁think▷a◁/think▷Hello.":                          {"Hello.", "a"},
		"<|begin_of_thought|>a<|end_of_thought|>Hello.":   {"Hello.", "a"},
		"<think></think>\n\nHello.":                       {"Hello.", ""},
		"<think/>Hello.":                                  {"Hello.", ""},
		"<think />\nHello.":                               {"Hello.", ""},
		"<|begin_of_thought|>a<|end_of_thought|>\n<|begin_of_solution|>Hello.<|end_of_solution|>": {"Hello.", "a"},
		"<think>a</thinking>Hello.":                              {"Hello.", "a"},
		"<think>a</think>\n<think>b</think>\nHello.":             {"Hello.", "a\nb"},
		"<think>a <think>b</think> c</think>Hello.":              {"Hello.", "a <think>b\nc"},
		"<think>They ask about `</think>`, I say:</think>Hello.": {"Hello.", "They ask about `</think>`, I say:"},
		"<think>It is ``` a fence</think>Hello.":                 {"Hello.", "It is ``` a fence"},
		"<think>never closed":                                    {"", "never closed"},
		"<think>never closed, and cut</thi":                      {"", "never closed, and cut</thi"},
		"I greet her.\n</think>\n\nHello.":                       {"Hello.", "I greet her."},
		"I greet her </think> Hello.":                            {"Hello.", "I greet her"},
		"only thoughts</think>":                                  {"", "only thoughts"},
		"<think>a</think>Hello.</think>":                         {"Hello.", "a"},
		"<think>a</think>more</think>Hello.":                     {"Hello.", "a\nmore"},
		"Let me see.\n<think>a</think>\nHello.":                  {"Let me see.\nHello.", "a"},
		"Let me see. <think>a</think> Hello.":                    {"Let me see. Hello.", "a"},
		"Hello <think>hm</think> there.":                         {"Hello there.", "hm"},
		"Hello. <think>Shall I go on":                            {"Hello. ", "Shall I go on"},
		"<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>Hello.<|return|>":                                                                                                             {"Hello.", "a"},
		"<|start|>assistant<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|><|start|>assistant<|channel|>final<|message|>Hello.<|end|>": {"Hello.", "a\n{}"},
		"a<|end|><|start|>assistant<|channel|>final<|message|>Hello.":                                                                                                                                                     {"Hello.", "a"},
		"<|channel|>final<|message|>Hello.":                      {"Hello.", ""},
		"<|channel|>analysis<|message|>never ended":              {"", "never ended"},
		"<|channel|>ANALYSIS<|message|>a<|end|>Hello.":           {"Hello.", "a"},
		"Hello.<|im_end|>":                                       {"Hello.", ""},
		"Hello.<|im_end|>\n<|endoftext|>\n":                      {"Hello.", ""},
		"Hello.<|eot_id|>":                                       {"Hello.", ""},
		"Hello.</s>":                                             {"Hello.", ""},
		"Hello.<end_of_turn>\n":                                  {"Hello.", ""},
		"Hello.<｜end▁of▁sentence｜>":                              {"Hello.", ""},
		"```\ncut off<|im_end|>":                                 {"```\ncut off", ""},
		"<|im_start|>assistant\nHello.<|im_end|>":                {"Hello.", ""},
		"Hello.<|im_end|>\n<|im_start|>user\nAnd you?<|im_end|>": {"Hello.", "And you?"},
	} {
		if answer, thoughts := Split(text); answer != want[0] || thoughts != want[1] {
			t.Errorf("%q:\nanswer    %q, want %q\nreasoning %q, want %q", text, answer, want[0], thoughts, want[1])
		}
	}
}

func TestMarkupAndCodeOfAnAnswerStay(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Use <b>bold</b>, <i>italics</i> and <br/>.",
		"1 < 2, a<b, x <- y, <3, and <",
		"The <thinker> and the <thoughts> of <thinkers>.",
		"Models write:\n```xml\n<think>\nreasons\n</think>\nanswer\n```\nand then go on.",
		"~~~\n</think>\n~~~",
		"````\n```\n<think>\n```\n````\nDone.",
		"They put it between `<think>` and `</think>`.",
		"A span: `` <think>`a`</think> `` ends.",
		"They put it between <think> and </think>.",
		"They put it between \"<think>\" and \"</think>\".",
		"The tag <think> begins it.",
		"The token <|im_end|> ends a turn.",
		"In code: `<|channel|>analysis<|message|>`.",
		"Old <s>price</s>",
		"[thinking] about [/links](x)",
		"<details><summary>More</summary>text</details>",
		"Ends with `<|im_end|>`",
		"The tag <think/> is empty.",
		"half a tag: <thin",
		"half a token: <|im_en",
	} {
		if answer, thoughts := Split(text); answer != text || thoughts != "" {
			t.Errorf("%q became %q and %q", text, answer, thoughts)
		}
	}
}

// heard is what a listener has in the end, and what it was given at any time.
type heard struct {
	Filter
	now  string
	ever string
}

func newHeard(hold bool) *heard {
	h := &heard{}
	h.Filter = Filter{
		Hold:    hold,
		Answer:  func(piece string) { h.now += piece; h.ever += piece },
		Retract: func() { h.now = "" },
	}
	return h
}

func (h *heard) all(pieces ...string) *heard {
	for _, p := range pieces {
		h.Write(p)
	}
	h.Close()
	return h
}

// texts are made of marks, code, and what may look like them.
func texts() *rapid.Generator[string] {
	parts := []string{
		"<think>", "</think>", "<THINKING>", "</Reasoning>", "<thought x='1'>", "<think ", "<thi", "</", "<", ">", "/", "[THINK]", "[/THINK]", "◁think▷", "◁/think▷",
		"<|channel|>", "analysis", "final", "<|message|>", "<|end|>", "<|start|>", "assistant", "user", "<|im_start|>", "<|im_end|>", "</s>", "<s>", "<|",
		"`", "```", "~~~", "\n", " ", "\"", ".", "word", "é", "…", "\xff", "◁", "\u212a",
	}
	return rapid.Custom(func(rt *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 14).Draw(rt, "parts"), "")
	})
}

func TestHowATextIsCutMakesNoDifference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := texts().Draw(rt, "text")
		answer, thoughts := Split(text)
		hold := rapid.Bool().Draw(rt, "hold")
		var pieces []string
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, min(len(rest), 9)).Draw(rt, "size")
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		h := newHeard(hold).all(pieces...)
		if h.now != answer || h.Reasoning() != thoughts {
			rt.Fatalf("%q in pieces %q:\nanswer    %q, whole %q\nreasoning %q, whole %q", text, pieces, h.now, answer, h.Reasoning(), thoughts)
		}
		if bytewise := newHeard(false).all(strings.Split(text, "")...); bytewise.now != answer {
			rt.Fatalf("%q rune by rune: %q, whole %q", text, bytewise.now, answer)
		}
	})
}

func TestWhatHasNoMarksPassesWholeAndAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newHeard(false)
		said := ""
		for _, p := range rapid.SliceOf(rapid.StringMatching("[a-z .,\n>|/]{1,9}")).Draw(rt, "pieces") {
			h.Write(p)
			if said += p; h.now != said {
				rt.Fatalf("%q was held back of %q", said[len(h.now):], said)
			}
		}
	})
}

func TestReasoningIsNeverPassedOnWhereItIsOpened(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom([]string{"think", "Thinking", "REASONING", "thought"}).Draw(rt, "name")
		thoughts := rapid.StringMatching("[A-Z `\n]{0,20}").Draw(rt, "thoughts")
		answer := rapid.StringMatching("[a-z]{0,9}").Draw(rt, "answer")
		text := "<" + name + ">" + thoughts
		if rapid.Bool().Draw(rt, "closed") {
			text += "</" + name + ">" + answer
		} else {
			answer = ""
		}
		h := newHeard(false).all(strings.Split(text, "")...)
		if h.ever != answer || h.Reasoning() != strings.TrimSpace(thoughts) {
			rt.Fatalf("of %q, %q was passed on", text, h.ever)
		}
	})
}

func TestReasoningThatIsOnlyClosedIsRetractedOnceAndHeldBackLater(t *testing.T) {
	t.Parallel()
	text := []string{"I greet ", "her.\n</th", "ink>\n\nHello", ", Ada."}
	first := newHeard(false).all(text...)
	if first.ever == first.now || first.now != "Hello, Ada." || !first.Unopened() {
		t.Errorf("%q was passed on, and %q left, unopened %t", first.ever, first.now, first.Unopened())
	}
	if later := newHeard(true).all(text...); later.ever != "Hello, Ada." {
		t.Errorf("%q was passed on", later.ever)
	}
	if opened := newHeard(false).all("<think>a</think>Hello."); opened.Unopened() {
		t.Error("an opening tag was not seen")
	}
}
