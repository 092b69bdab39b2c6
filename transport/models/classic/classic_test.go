package classic

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"annals/commands/reactions"
)

// conversation is what a person says to the model, turn by turn.
type conversation struct {
	model  *Model
	prompt reactions.Prompt
}

func talk(agent string) *conversation {
	return &conversation{model: New(), prompt: reactions.Prompt{Agent: agent}}
}

func (c *conversation) say(t testing.TB, text string) string { return c.sayAs(t, "Ada", text) }

func (c *conversation) sayAs(t testing.TB, speaker, text string) string {
	t.Helper()
	c.prompt.Turns = append(c.prompt.Turns, reactions.Turn{Name: speaker, Text: text})
	said, err := c.model.Generate(t.Context(), c.prompt)
	if err != nil {
		t.Fatalf("answering %q: %v", text, err)
	}
	c.prompt.Turns = append(c.prompt.Turns, reactions.Turn{Name: c.prompt.Agent, Own: true, Text: said.Text})
	return said.Text
}

func TestAConversationGoesAsItAlwaysWent(t *testing.T) {
	t.Parallel()
	c := talk("Iris")
	for _, exchange := range [][2]string{
		{"Hello!", "Hello. It is good that you are here. How has the day been?"},
		{"Hi, I'm sad today.", "I am sorry that it is so. When did it begin to be sad?"},
		{"What is your name?", "They call me Iris. What do you like to be called?"},
		{"my name is Bob", "Pleased to meet you, Bob. What is on your mind?"},
		{"My mother hates me.", "Who is your mother, to you?"},
		{"Because she is always busy", "That may be one root of it. Are there more?"},
		{"ARE YOU A COMPUTER?", "I am Iris: a few rules from 1966 and a script. Does that change what you want to say?"},
		{"I think you hate me", "What gives you the feeling that I hate you?"},
		{"You are my best friend", "What have I done, that you find me your best friend?"},
		{"I remember the summer in Paris", "What comes with it, when you remember the summer in Paris?"},
		{"I dreamed of a red house", "In the dream, a red house. And how is that while you are awake?"},
		{"Everybody laughs at me", "That is a great many. Who stands at the front?"},
		{"She reminds me of my aunt", "What do they have in common, that and your aunt?"},
		{"If I leave my job I will be poor", "Suppose it comes true that you leave your job. Would you really be poor?"},
		{"what should I do?", "What have you thought of so far?"},
		{"Please tell me a joke", "A program walks into a practice and asks: and how does that make you feel? Now it is your turn."},
		{"Ich verstehe nicht", "I am afraid that English is the one language I was given. Can you try it with that?"},
		{"I want to be dead", "That sounds very heavy, and I am only a simple program. Please talk to someone now: a person you trust, a crisis line, or the emergency number where you live. Is anybody near you?"},
		{"thank you", "You are welcome. What was it that helped?"},
		{"bye", "Goodbye. It was good to listen to you."},
	} {
		if diff := cmp.Diff(exchange[1], c.say(t, exchange[0])); diff != "" {
			t.Errorf("to %q (-want +got):\n%s", exchange[0], diff)
		}
	}
}

func TestTheSamePromptHasTheSameAnswerAndTheMachineIsNotChangedByIt(t *testing.T) {
	t.Parallel()
	c := talk("Eliza")
	c.say(t, "my brother is a painter")
	c.say(t, "yes")
	c.prompt.Turns = append(c.prompt.Turns, reactions.Turn{Name: "Ada", Text: "yes"})
	first, err := c.model.Generate(t.Context(), c.prompt)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		again, err := New().Generate(t.Context(), c.prompt)
		if err != nil || again != first {
			t.Fatalf("got %+v and %v, then %+v", again, err, first)
		}
	}
	if first.Model != "classic" {
		t.Errorf("the model calls itself %q", first.Model)
	}
}

func TestAnswersTakeTurns(t *testing.T) {
	t.Parallel()
	c := talk("")
	seen := map[string]bool{}
	for range 3 {
		seen[c.say(t, "everybody knows")] = true
	}
	if len(seen) != 3 {
		t.Errorf("three times the same remark had %d different answers: %v", len(seen), seen)
	}
}

func TestAWindowThatSlidesOverTheConversationDoesNotPinTheAnswer(t *testing.T) {
	t.Parallel()
	c := talk("")
	last := ""
	for range 30 {
		c.prompt.Turns = c.prompt.Turns[max(0, len(c.prompt.Turns)-10):]
		reply := c.say(t, "mumble")
		if reply == last {
			t.Fatalf("twice in a row: %q", reply)
		}
		last = reply
	}
}

func TestWhatWasSaidOfOnesOwnComesBackWhenNothingElseFits(t *testing.T) {
	t.Parallel()
	c := talk("")
	c.say(t, "my garden is full of snails")
	if got, want := c.say(t, "mumble"), "Let us come back to something: your garden is full of snails. What more is there to it?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := c.say(t, "mumble"); strings.Contains(got, "garden") {
		t.Errorf("a memory comes back once, not again: %q", got)
	}
}

func TestAMemoryIsNotToldToSomebodyElse(t *testing.T) {
	t.Parallel()
	c := talk("")
	c.sayAs(t, "Ada", "my garden is full of snails")
	if got := c.sayAs(t, "Grace", "mumble"); strings.Contains(got, "garden") {
		t.Errorf("Grace heard what Ada said: %q", got)
	}
	if got := c.sayAs(t, "Ada", "mumble"); !strings.Contains(got, "garden") {
		t.Errorf("Ada did not hear of it again: %q", got)
	}
}

func TestWithoutAnybodyElsesTurnTheMachineBegins(t *testing.T) {
	t.Parallel()
	said, err := New().Generate(t.Context(), reactions.Prompt{Agent: "Iris"})
	if want := "Hello, I am Iris. Where would you like to begin?"; err != nil || said.Text != want {
		t.Errorf("got %q, %v; want %q", said.Text, err, want)
	}
}

func TestOddTextsHaveAShortAnswer(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "\x00\x01", "😀😀👩‍👩‍👧", "你好，世界", "مرحبا", "...", "''", "-", "but", "\xff\xfe", "my", "i", "you",
		strings.Repeat("my mother you ", 70_000), strings.Repeat("ä", 450_000), "my " + strings.Repeat("x", 900<<10),
	} {
		reply := talk("").say(t, text)
		if reply == "" || len(reply) > 3*maxText || !utf8.ValidString(reply) || strings.ContainsRune(reply, 0) {
			t.Errorf("to %.20q: %.200q", text, reply)
		}
	}
}

func TestAnEndedContextEndsTheAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := New().Generate(ctx, reactions.Prompt{Turns: []reactions.Turn{{Text: "hello"}}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWhateverIsSaidThereIsAnAnswer(t *testing.T) {
	t.Parallel()
	words := []string{""}
	for w := range loadDoctor().keys {
		words = append(words, w)
	}
	remark := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(words), rapid.StringN(0, 4, -1)), 0, 12).Draw(t, "words"), " ")
	}))
	turn := rapid.Custom(func(t *rapid.T) reactions.Turn {
		return reactions.Turn{Name: rapid.SampledFrom([]string{"Ada", "Grace"}).Draw(t, "name"), Own: rapid.Bool().Draw(t, "own"), Text: remark.Draw(t, "text")}
	})
	rapid.Check(t, func(rt *rapid.T) {
		p := reactions.Prompt{Agent: rapid.String().Draw(rt, "agent"), Turns: rapid.SliceOfN(turn, 0, 20).Draw(rt, "turns")}
		said, err := New().Generate(t.Context(), p)
		if err != nil || strings.TrimSpace(said.Text) == "" || placeholder.MatchString(strings.ReplaceAll(said.Text, p.Agent, "")) {
			rt.Fatalf("%q, %v", said.Text, err)
		}
	})
}

func FuzzGenerate(f *testing.F) {
	for _, seed := range []string{"I am your friend", "my \xff mother", "if you remember, because!", "¿qué?"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, before, text string) {
		c := talk("")
		c.say(t, before)
		if reply := c.say(t, text); reply == "" || !utf8.ValidString(reply) {
			t.Errorf("to %q, %q: %q", before, text, reply)
		}
	})
}

func BenchmarkLongestPrompt(b *testing.B) {
	p := reactions.Prompt{}
	for range 2 * maxTurns {
		p.Turns = append(p.Turns, reactions.Turn{Name: "Ada", Text: strings.Repeat("my mother and I you ", 2_000)})
	}
	for b.Loop() {
		if _, err := New().Generate(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}

// words keeps what it hears.
type words []string

func (w *words) Hear(word string) { *w = append(*w, word) }
func (w *words) Again()           { *w = nil }

func TestSheIsHeardWordByWord(t *testing.T) {
	t.Parallel()
	p := reactions.Prompt{Agent: "Eliza", Turns: []reactions.Turn{{Name: "Ada", Text: "I am unhappy about my brother."}}}
	var heard words
	said, err := New().Stream(t.Context(), p, &heard)
	whole, _ := New().Generate(t.Context(), p)
	if err != nil || said != whole || strings.Join(heard, "") != whole.Text || len(heard) < 3 {
		t.Errorf("heard %q of %q, %v", heard, whole.Text, err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := New().Stream(gone, p, &heard); err == nil {
		t.Error("heard by somebody who had left")
	}
}
