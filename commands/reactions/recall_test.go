package reactions_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands/reactions"
	"annals/events"
)

// recalls finds what the test says.
type recalls func(ctx context.Context, agent uuid.UUID, text string, n int) ([]reactions.Recalled, error)

func (r recalls) Recall(ctx context.Context, agent uuid.UUID, text string, n int) ([]reactions.Recalled, error) {
	return r(ctx, agent, text, n)
}

var (
	catID  = uuid.MustParse("ca700000-0000-4000-8000-000000000000")
	dogID  = uuid.MustParse("d0900000-0000-4000-8000-000000000000")
	monday = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func withRecall(r recalls) func(*options, *life) { return func(o *options, _ *life) { o.recall = r } }

func TestTheModelIsShownWhatTheAgentRemembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	text := saying("Whiskers!")
	w.live(text, withRecall(func(_ context.Context, agent uuid.UUID, asked string, _ int) ([]reactions.Recalled, error) {
		if agent != iris || asked != "What is my cat called?" {
			t.Errorf("asked for %s and %q", agent, asked)
		}
		return []reactions.Recalled{
			{MemoryID: catID, Source: "from a conversation", Text: "My cat is\ncalled Whiskers.", At: monday, Score: 0.75},
			{MemoryID: uuid.New(), Source: "from a conversation", Text: asked, At: monday, Score: 0.7},
			{MemoryID: dogID, Source: `from "pets.md"`, Text: strings.Repeat("Dogs bark. ", 1000), At: monday, Score: 0.5},
			{MemoryID: uuid.New(), Source: "from facts", Text: strings.Repeat("你好", 2000), At: monday, Score: 0.4},
			{MemoryID: uuid.New(), Source: "from facts", Text: strings.Repeat("好", 2000), At: monday, Score: 0.3},
			{MemoryID: uuid.New(), Source: "from facts", Text: strings.Repeat("你", 2000), At: monday, Score: 0.2},
		}, nil
	}))
	asked := w.say(w.channel("DM", ada, iris), "What is my cat called?")
	end := w.turn(asked, iris)
	if end.Outcome != events.TurnReplied || end.Unremembered || len(end.Memories) != 4 ||
		end.Memories[0] != (events.MemoryUse{MemoryID: catID, Score: 0.75}) || end.Memories[1] != (events.MemoryUse{MemoryID: dogID, Score: 0.5}) {
		t.Errorf("recorded %+v", end)
	}
	system := text.prompts()[0].System
	for _, want := range []string{"You are Iris.", "(from a conversation, 2026-11-23) My cat is called Whiskers.\n", `(from "pets.md", 2026-11-23) Dogs bark. Dogs`} {
		if !strings.Contains(system, want) {
			t.Errorf("%q is not in %.400q", want, system)
		}
	}
	if strings.Contains(system, asked.String()) || strings.Contains(system, "What is my cat") || len(system) > 10_000 {
		t.Errorf("%d bytes: %.400q", len(system), system)
	}
}

func TestASearchThatFailsDoesNotPreventAnAnswer(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]recalls{
		"an error": func(context.Context, uuid.UUID, string, int) ([]reactions.Recalled, error) {
			return nil, errors.New("away")
		},
		"too slow": func(ctx context.Context, _ uuid.UUID, _ string, _ int) ([]reactions.Recalled, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			iris := w.agent("Iris")
			w.live(saying("Hello."), withRecall(r))
			asked := w.say(w.channel("DM", ada, iris), "Hello")
			if end := w.turn(asked, iris); end.Outcome != events.TurnReplied || !end.Unremembered || end.Memories != nil {
				t.Errorf("recorded %+v", end)
			}
			w.answeredOnce(asked, iris)
		})
	}
}

func TestALongConversationFitsBesideWhatIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	text := saying("Yes.")
	channel := w.channel("DM", ada, iris)
	for range 10 {
		w.say(channel, strings.Repeat("many words ", 1000)) // 2,750 tokens
	}
	w.live(text)
	last := w.say(channel, "And now?")
	w.turn(last, iris)
	for _, p := range text.prompts() {
		if n := len(p.Turns); p.Turns[n-1].Text == "And now?" && (n < 3 || n > 6) {
			t.Errorf("%d turns are shown", n)
		}
	}
}

func TestOfALongMessageTheEndsAreSearchedForAndShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	text := saying("Yes.")
	var searched string
	w.live(text, withRecall(func(_ context.Context, _ uuid.UUID, asked string, _ int) ([]reactions.Recalled, error) {
		searched = asked
		return nil, nil
	}))
	long := "What of my cat? " + strings.Repeat("many words 你好 ", 30_000) + "Where is Whiskers?"
	w.turn(w.say(w.channel("DM", ada, iris), long), iris)
	p := text.prompts()[0]
	for name, of := range map[string]struct {
		text string
		most int
	}{"searched for": {searched, 1200}, "shown": {p.Turns[len(p.Turns)-1].Text, 40_000}} {
		if !strings.HasPrefix(of.text, "What of my cat? ") || !strings.HasSuffix(of.text, " Where is Whiskers?") || len(of.text) > of.most || len(p.Turns) != 1 {
			t.Errorf("%s are %d bytes in %d turns: %.60q", name, len(of.text), len(p.Turns), of.text)
		}
	}
}
