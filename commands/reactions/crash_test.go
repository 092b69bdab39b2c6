package reactions_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"annals/commands/reactions"
	"annals/events"
)

// death ends a life at one of its steps.
type death func(*options, *life, *model)

// whileReading dies where the read models are waited for, or read.
type whileReading struct {
	reactions.History
	life                *life
	waiting, conversing bool
}

func (h whileReading) Readable(ctx context.Context, p events.Position) error {
	if h.waiting {
		h.life.die()
	}
	return h.History.Readable(ctx, p)
}

func (h whileReading) Conversation(ctx context.Context, channel uuid.UUID, upTo events.Position, n int) ([]reactions.Said, error) {
	if h.conversing {
		h.life.die()
	}
	return h.History.Conversation(ctx, channel, upTo, n)
}

// dying is a store that ends the life before or after its nth append.
type dying struct {
	events.Store
	life          *life
	appends       *atomic.Int32
	before, after int32
}

func (d dying) Append(ctx context.Context, s events.StreamID, expect events.Revision, facts ...events.Proposed) (events.Position, error) {
	n := d.appends.Add(1)
	if n == d.before {
		d.life.die()
	}
	if n != d.after {
		return d.Store.Append(ctx, s, expect, facts...)
	}
	// It has happened, and nobody lives to hear of it.
	if _, err := d.Store.Append(ctx, s, expect, facts...); err != nil {
		return 0, err
	}
	d.life.die()
	return 0, context.Canceled
}

func atAppend(before, after int32) death {
	return func(o *options, _ *life, _ *model) {
		o.store = func(s events.Store, l *life) events.Store {
			return dying{Store: s, life: l, appends: new(atomic.Int32), before: before, after: after}
		}
	}
}

// deaths are the steps of a delivery to two agents at which it can be cut off.
var deaths = map[string]death{
	"before the cause is readable": func(o *options, l *life, _ *model) {
		o.history = whileReading{History: o.history, life: l, waiting: true}
	},
	"while the conversation is read": func(o *options, l *life, _ *model) {
		o.history = whileReading{History: o.history, life: l, conversing: true}
	},
	"while the model thinks": func(_ *options, l *life, m *model) {
		m.answer = func(ctx context.Context, _ reactions.Prompt) (reactions.Completion, error) {
			l.die()
			<-ctx.Done()
			return reactions.Completion{}, ctx.Err()
		}
	},
	"while the answer is heard": func(o *options, l *life, m *model) {
		o.stream = func(events.Chunk) { l.die() }
		m.speak = func(ctx context.Context, ear reactions.Listener) { ear.Hear("Lost "); <-ctx.Done() }
	},
	"when the model has answered": func(_ *options, l *life, m *model) {
		m.answer = func(context.Context, reactions.Prompt) (reactions.Completion, error) {
			l.die()
			return reactions.Completion{Text: "Lost words."}, nil
		}
	},
	"when the second model has answered": func(_ *options, l *life, m *model) {
		m.answer = func(_ context.Context, p reactions.Prompt) (reactions.Completion, error) {
			if p.Agent == "Otto" {
				l.die()
			}
			return reactions.Completion{Text: "Good evening."}, nil
		}
	},
	"before the first call of the model is logged":    atAppend(1, 0),
	"when the first call of the model is logged":      atAppend(0, 1),
	"before the first reply is appended":              atAppend(2, 0),
	"when the first reply is appended":                atAppend(0, 2),
	"between the first reply and its turn's end":      atAppend(3, 0),
	"when the first turn's end is appended":           atAppend(0, 3),
	"before the second reply is appended":             atAppend(5, 0),
	"when the second reply is appended":               atAppend(0, 5),
	"between the second reply and its turn's end":     atAppend(6, 0),
	"when all is appended, before it is acknowledged": atAppend(0, 6),
}

func TestACrashAtAnyStepLeavesOneReplyOfEachAgent(t *testing.T) {
	t.Parallel()
	for step, dies := range deaths {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			iris, otto := w.agent("Iris"), w.agent("Otto")
			group := w.channel("GROUP", ada, iris, otto)
			asked := w.say(group, "Good evening to all")

			text := saying("Good evening.")
			text.speak = func(_ context.Context, ear reactions.Listener) { ear.Hear("Good evening.") }
			first := w.live(text, func(o *options, l *life) { o.stream = func(events.Chunk) {}; dies(o, l, text) })
			first.wait(t)
			second := saying("Good evening again.")
			w.live(second)

			// Deliveries of one channel come one after another: when the next one is answered, this one is settled.
			next := w.say(group, "Iris, are you there?")
			w.turn(next, iris)
			w.answeredOnce(asked, iris, otto)
		})
	}
}

func TestAReplyThatIsRecordedIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.say(w.channel("DM", ada, iris), "Good evening")
	text := saying("Good evening.")
	w.live(text, func(o *options, l *life) { atAppend(3, 0)(o, l, text) }).wait(t)
	again := saying("Good evening again.")
	w.live(again)
	w.turn(asked, iris)
	w.answeredOnce(asked, iris)
	if n := len(again.prompts()); n != 0 {
		t.Errorf("the model was asked %d times for a reply that was there", n)
	}
}

// What the model said is in the agent's log before it is said in the channel.
func TestWhatAModelHasAnsweredIsSaidAfterACrashWithoutAskingAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.say(w.channel("DM", ada, iris), "Good evening")
	text := saying("Good evening.")
	w.live(text, func(o *options, l *life) { atAppend(2, 0)(o, l, text) }).wait(t)
	again := saying("Good evening again.")
	w.live(again)
	end := w.turn(asked, iris)
	w.answeredOnce(asked, iris)
	if n := len(again.prompts()); n != 0 {
		t.Errorf("the model was asked %d times for what it had answered", n)
	}
	if said := w.replies(asked)[0].Content; said != "Good evening." {
		t.Errorf("the agent said %q", said)
	}
	if end.Model != "fake" || end.PromptTokens != 7 || end.CompletionTokens != 3 {
		t.Errorf("the turn's end forgets the model: %+v", end)
	}
}

// Many lives, each dying at its first append, until the work is done: at most one step is done in a life.
func TestLivesThatDieAtEveryAppendBringItToAnEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto := w.agent("Iris"), w.agent("Otto")
	asked := w.say(w.channel("GROUP", ada, iris, otto), "Good evening to all")
	for range 6 {
		text := saying("Good evening.")
		w.live(text, func(o *options, l *life) { atAppend(0, 1)(o, l, text) }).wait(t)
	}
	w.answeredOnce(asked, iris, otto)
}

// The same delivery may come while it is being handled, as after a connection was lost.
func TestTheStoreRestartingWhileTheModelThinksCostsNoReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.say(w.channel("DM", ada, iris), "Good evening")
	thinking, restarted := make(chan struct{}, 10), make(chan struct{})
	w.live(&model{answer: func(ctx context.Context, _ reactions.Prompt) (reactions.Completion, error) {
		thinking <- struct{}{}
		select {
		case <-restarted:
		case <-ctx.Done():
		}
		return reactions.Completion{Text: "Good evening."}, ctx.Err()
	}})
	<-thinking
	w.log.Restart()
	close(restarted)
	w.turn(asked, iris)
	w.answeredOnce(asked, iris)
}
