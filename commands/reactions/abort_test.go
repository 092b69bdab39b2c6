package reactions_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
)

// cutOff fails the test unless the turn ends as aborted, without a reply.
func (w *world) cutOff(message, agent uuid.UUID) {
	w.t.Helper()
	if end := w.turn(message, agent); end.Outcome != events.TurnCutOff || end.ReplyID != uuid.Nil {
		w.t.Errorf("the turn ended as %+v", end)
	}
	if n := len(w.replies(message)); n != 0 {
		w.t.Errorf("%d replies", n)
	}
}

// thinker is a model that calls thought and goes on until its context ends.
func thinker(thought func()) *model {
	return &model{answer: func(ctx context.Context, _ reactions.Prompt) (reactions.Completion, error) {
		thought()
		<-ctx.Done()
		return reactions.Completion{}, ctx.Err()
	}}
}

// abortings are the steps of a turn at which it can be aborted; each is given a world whose agent was asked something in a
// DM, and lets it live.
var abortings = map[string]func(w *world, abort func()){
	"before anything begins": func(w *world, abort func()) {
		abort()
		w.live(saying("Hello."))
	},
	"before the cause is readable": func(w *world, abort func()) {
		w.live(saying("Hello."), func(o *options, _ *life) { o.history = hooked{History: o.history, waiting: abort} })
	},
	"while the conversation is read": func(w *world, abort func()) {
		w.live(saying("Hello."), func(o *options, _ *life) { o.history = hooked{History: o.history, reading: abort} })
	},
	"while the model thinks": func(w *world, abort func()) { w.live(thinker(abort)) },
	"while the model decides": func(w *world, abort func()) {
		w.live(chooser{saying("Hello."), func(reactions.Prompt) bool { abort(); return true }})
	},
	"while the answer is heard": func(w *world, abort func()) {
		m := saying("Hello.")
		m.speak = func(ctx context.Context, ear reactions.Listener) { ear.Hear("Hel"); <-ctx.Done() }
		w.live(m, func(o *options, _ *life) { o.stream = func(events.Chunk) { abort() } })
	},
	"when the model has answered": func(w *world, abort func()) {
		w.live(&model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
			abort()
			return reactions.Completion{Text: "Hello."}, nil
		}})
	},
	"when the model has failed": func(w *world, abort func()) {
		w.live(&model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
			abort()
			return reactions.Completion{}, errors.New("not today")
		}})
	},
	"between two attempts": func(w *world, abort func()) {
		w.live(&model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
			time.AfterFunc(50*time.Millisecond, abort)
			return reactions.Completion{}, errors.New("not today")
		}}, func(o *options, _ *life) { o.firstRetry = time.Hour })
	},
}

// hooked calls what is set where the read models are waited for, or read.
type hooked struct {
	reactions.History
	waiting, reading func()
}

func (h hooked) Readable(ctx context.Context, p events.Position) error {
	if h.waiting != nil {
		h.waiting()
	}
	return h.History.Readable(ctx, p)
}

func (h hooked) Conversation(ctx context.Context, channel uuid.UUID, upTo events.Position, n int) ([]reactions.Said, error) {
	if h.reading != nil {
		h.reading()
	}
	return h.History.Conversation(ctx, channel, upTo, n)
}

func TestATurnCanBeAbortedAtAnyStep(t *testing.T) {
	t.Parallel()
	for step, aborts := range abortings {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.observe()
			iris := w.agent("Iris")
			kind := "DM"
			if step == "while the model decides" {
				kind = "GROUP"
			}
			channel := w.channel(kind, ada, iris)
			asked := w.say(channel, "Hello")
			aborts(w, func() { w.abort(asked, channel, iris) })
			w.cutOff(asked, iris)
			if n := len(w.turns(asked)); n != 1 {
				t.Errorf("the turn ended %d times", n)
			}
		})
	}
}

// Another node records that a turn is aborted, and nothing but the log tells of it.
func TestWhatIsAbortedWhileNobodyHearsOfItIsNotRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // which observes nothing
	iris := w.agent("Iris")
	channel := w.channel("DM", ada, iris)
	asked := w.say(channel, "Hello")
	w.live(&model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
		w.abort(asked, channel, iris)
		return reactions.Completion{Text: "Hello.", Model: "fake", PromptTokens: 7}, nil
	}})
	w.cutOff(asked, iris)
	if end := w.turn(asked, iris); end.Model != "fake" || end.PromptTokens != 7 {
		t.Errorf("what it took is not recorded: %+v", end)
	}
}

func TestAnAbortedMessageIsNotAnsweredAfterACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	channel := w.channel("DM", ada, iris)
	asked := w.say(channel, "Hello")
	thinking := make(chan struct{})
	first := w.live(thinker(func() { close(thinking) }))
	<-thinking
	first.die()
	first.wait(t)
	w.abort(asked, channel, iris)
	second := saying("Hello again.")
	w.live(second)
	w.cutOff(asked, iris)
	if n := len(second.prompts()); n > 0 {
		t.Errorf("the model was asked %d times", n)
	}
}

func TestAnAbortOfOneAgentLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.observe()
	iris, otto := w.agent("Iris"), w.agent("Otto")
	channel := w.channel("GROUP", ada, iris, otto)
	asked := w.say(channel, "Good evening to all")
	w.live(&model{answer: func(ctx context.Context, p reactions.Prompt) (reactions.Completion, error) {
		if p.Agent == "Iris" {
			w.abort(asked, channel, iris)
			<-ctx.Done()
		}
		return reactions.Completion{Text: "Good evening."}, ctx.Err()
	}})
	if end := w.turn(asked, iris); end.Outcome != events.TurnCutOff {
		t.Errorf("the turn of Iris ended as %+v", end)
	}
	if end := w.turn(asked, otto); end.Outcome != events.TurnReplied {
		t.Errorf("the turn of Otto ended as %+v", end)
	}
}

func TestAnAnswerThatIsRecordedStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	channel := w.channel("DM", ada, iris)
	asked := w.say(channel, "Hello")
	text := saying("Hello.")
	w.live(text, func(o *options, l *life) { atAppend(3, 0)(o, l, text) }).wait(t) // the turn's end is missing
	w.abort(asked, channel, iris)
	w.live(saying("Hello again."))
	w.turn(asked, iris)
	w.answeredOnce(asked, iris)
	handle(w, commands.StopAgent{AgentID: iris})
}
