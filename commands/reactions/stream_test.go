package reactions_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"annals/commands/reactions"
	"annals/events"
)

// ear keeps what is heard of answers.
type ear struct {
	mu     sync.Mutex
	chunks []events.Chunk
}

func (e *ear) hear(c events.Chunk) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.chunks = append(e.chunks, c)
}

// attempts are the texts of the attempts that were heard, in their order; chunks that are out of theirs fail the test.
func (e *ear) attempts(t *testing.T) (texts []string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	var last events.Chunk
	for i, c := range e.chunks {
		switch {
		case i == 0 || c.Attempt > last.Attempt:
			if c.Index != 0 {
				t.Errorf("an attempt begins with %+v", c)
			}
			texts = append(texts, c.Text)
		case c.Attempt == last.Attempt && c.Index == last.Index+1:
			texts[len(texts)-1] += c.Text
		default:
			t.Errorf("%+v comes after %+v", c, last)
		}
		last = c
	}
	return texts
}

func streaming(e *ear) func(*options, *life) {
	return func(o *options, _ *life) { o.stream = e.hear }
}

func TestAnAnswerIsHeardBeforeItIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	channel := w.channel("DM", ada, iris)
	heard := &ear{}
	text := saying("Good evening, Ada.")
	text.speak = func(_ context.Context, l reactions.Listener) {
		for _, piece := range strings.SplitAfter("Good evening, Ada.", " ") {
			l.Hear(piece)
		}
	}
	w.live(text, streaming(heard), func(o *options, _ *life) {
		hear := o.stream
		o.stream = func(c events.Chunk) {
			if n := len(facts[events.MessageSubmitted](w)); n != 1 {
				t.Errorf("%d messages are recorded before the answer was heard", n)
			}
			hear(c)
		}
	})
	asked := w.say(channel, "Good evening")
	w.turn(asked, iris)
	w.answeredOnce(asked, iris)
	if got := heard.attempts(t); len(got) != 1 || got[0] != "Good evening, Ada." {
		t.Errorf("heard %q", got)
	}
	c := heard.chunks[0]
	if c.MessageID != events.ReplyID(asked, iris) || c.ChannelID != channel || c.AgentID != iris || c.InReplyTo != asked || c.ServerID != events.DefaultServer {
		t.Errorf("a chunk is %+v", c)
	}
}

func TestTheFirstWordIsHeardAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	first := make(chan string, 10)
	text := saying("One two.")
	text.speak = func(ctx context.Context, l reactions.Listener) {
		l.Hear("One ")
		if got := <-first; got != "One " {
			t.Errorf("heard %q first", got)
		}
		l.Hear("two.")
	}
	w.live(text, func(o *options, _ *life) { o.stream = func(c events.Chunk) { first <- c.Text } })
	asked := w.say(w.channel("DM", ada, iris), "Count")
	w.turn(asked, iris)
	if got := <-first; got != "two." {
		t.Errorf("heard %q then", got)
	}
}

// A listener that is slow gets larger chunks; the model is not held.
func TestASlowListenerDoesNotSlowTheModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	heard, spoken := &ear{}, make(chan struct{})
	text := saying("done")
	text.speak = func(_ context.Context, l reactions.Listener) {
		defer close(spoken)
		for range 10_000 {
			l.Hear("word ")
		}
	}
	w.live(text, func(o *options, _ *life) {
		o.stream = func(c events.Chunk) {
			<-spoken // which the model comes to although nobody takes what it says
			heard.hear(c)
		}
	})
	asked := w.say(w.channel("DM", ada, iris), "Count")
	w.turn(asked, iris)
	if got := heard.attempts(t); len(got) != 1 || got[0] != strings.Repeat("word ", 10_000) {
		t.Errorf("heard %d attempts", len(got))
	}
}

func TestAnotherAttemptIsToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	heard := &ear{}
	n := 0
	text := &model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
		if n++; n == 1 {
			return reactions.Completion{}, errors.New("not today")
		}
		return reactions.Completion{Text: "Third."}, nil
	}}
	text.speak = func(_ context.Context, l reactions.Listener) {
		if n == 0 {
			l.Hear("First.")
			time.Sleep(time.Millisecond) // an attempt of a model takes longer
			l.Again()
			l.Hear("Second.")
			return
		}
		l.Hear("Third.")
	}
	w.live(text, streaming(heard))
	asked := w.say(w.channel("DM", ada, iris), "Hello")
	w.turn(asked, iris)
	got := heard.attempts(t)
	if last := got[len(got)-1]; last != "Third." || len(got) < 2 {
		t.Errorf("heard %q", got)
	}
	w.answeredOnce(asked, iris)
}

func TestWhatIsHeardCanBeShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	heard := &ear{}
	text := saying("x")
	text.speak = func(_ context.Context, l reactions.Listener) {
		l.Hear("a\x00b\xff")
		l.Hear(strings.Repeat("é", 64<<10))
		l.Hear("more")
	}
	w.live(text, streaming(heard))
	asked := w.say(w.channel("DM", ada, iris), "Hello")
	w.turn(asked, iris)
	if got := heard.attempts(t)[0]; !strings.HasPrefix(got, "ab\uFFFDé") || len(got) > 64<<10 || strings.Contains(got, "more") {
		t.Errorf("heard %d bytes: %.20q", len(got), got)
	}
}
