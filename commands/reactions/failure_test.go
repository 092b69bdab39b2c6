package reactions_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
)

// unwell is a model of which the first n answers are this error, and the others words.
func unwell(n int, err error) *model {
	m := &model{}
	m.answer = func(context.Context, reactions.Prompt) (reactions.Completion, error) {
		if len(m.prompts()) <= n {
			return reactions.Completion{}, err
		}
		return reactions.Completion{Text: "Good evening."}, nil
	}
	return m
}

// quick limits how long a delivery may take.
func quick(budget time.Duration) func(*options, *life) {
	return func(o *options, _ *life) { o.budget = budget }
}

// why waits for what a delivery is parked with.
func (l *life) why(t testing.TB) string {
	t.Helper()
	select {
	case why := <-l.parked:
		return why
	case <-time.After(patience):
		t.Fatal("nothing was parked")
		return ""
	}
}

func TestAModelThatFailsTwiceAnswersTheThirdTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	text := unwell(2, errors.New("over capacity"))
	l := w.live(text)
	asked := w.say(w.channel("DM", ada, iris), "Good evening")
	w.turn(asked, iris)
	w.answeredOnce(asked, iris)
	if n := len(text.prompts()); n != 3 || len(l.parked) > 0 {
		t.Errorf("asked %d times, parked %d times", n, len(l.parked))
	}
}

// What the model says of its failure may repeat what was said to it: no fact, no parked event holds it.
func TestAModelThatNeverAnswersEndsTheTurnAndParksTheDelivery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		budget time.Duration
		asked  int
		reason string
	}{
		"it fails":   {errors.New("cannot say: my diary"), 0, 5, "the model failed"},
		"it refuses": {fmt.Errorf("%w: not about my diary", reactions.ErrRefused), 0, 1, "the model refused"},
		"it explains": {
			fmt.Errorf("%w: not about my diary: %w", reactions.ErrRefused, explained{}), 0, 1, "the model refused: it answered 401 Unauthorized",
		},
		"it panics":    {nil, 0, 5, "the answer failed"},
		"it is slow":   {context.DeadlineExceeded, 500 * time.Millisecond, 1, "the model did not answer in time"},
		"its own time": {fmt.Errorf("my diary: %w", context.DeadlineExceeded), 0, 5, "the model did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			iris := w.agent("Iris")
			channel := w.channel("DM", ada, iris)
			text := &model{}
			text.answer = func(ctx context.Context, p reactions.Prompt) (reactions.Completion, error) {
				switch {
				case p.Turns[len(p.Turns)-1].Text == "Good night":
					return reactions.Completion{Text: "Good night."}, nil
				case c.err == nil:
					panic("my diary")
				case c.budget > 0:
					<-ctx.Done()
					return reactions.Completion{}, ctx.Err()
				}
				return reactions.Completion{}, c.err
			}
			l := w.live(text, quick(c.budget))
			asked := w.say(channel, "Read this: my diary")
			if end := w.turn(asked, iris); end.Outcome != events.TurnFailed || end.Reason != c.reason || end.ReplyID != uuid.Nil {
				t.Errorf("the turn ended as %+v", end)
			}
			if why := l.why(t); !strings.Contains(why, c.reason) || strings.Contains(why, "diary") {
				t.Errorf("parked because %q", why)
			}
			// It is out of the way, in this life and in the next.
			w.turn(w.say(channel, "Good night"), iris)
			l.die()
			l.wait(t)
			w.live(text)
			w.turn(w.say(channel, "Good night"), iris)
			if n := len(text.prompts()); n != c.asked+2 {
				t.Errorf("the model was asked %d times", n-2)
			}
			if n := len(w.turns(asked)); n != 1 || len(w.replies(asked)) != 0 {
				t.Errorf("%d ends of the turn, %d replies", n, len(w.replies(asked)))
			}
			for line := range strings.Lines(l.logged.String()) {
				if _, cause, _ := strings.Cut(line, "cause="); strings.Contains(strings.TrimSuffix(line, cause), "diary") {
					t.Errorf("logged beside what adapters answer for: %s", line)
				}
			}
		})
	}
}

func TestOneAgentsFailureIsNotAnothers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto, uma := w.agent("Iris"), w.agent("Otto"), w.agent("Uma")
	text := &model{}
	text.answer = func(_ context.Context, p reactions.Prompt) (reactions.Completion, error) {
		asked := 0
		for _, q := range text.prompts() {
			if q.Agent == p.Agent {
				asked++
			}
		}
		switch {
		case p.Agent == "Iris":
			return reactions.Completion{}, reactions.ErrRefused
		case p.Agent == "Otto" && asked < 3:
			return reactions.Completion{}, errors.New("over capacity")
		}
		return reactions.Completion{Text: "Good evening."}, nil
	}
	l := w.live(text)
	asked := w.say(w.channel("GROUP", ada, iris, otto, uma), "Good evening to all")
	if end := w.turn(asked, iris); end.Outcome != events.TurnFailed || end.Reason != "the model refused" {
		t.Errorf("Iris: %+v", end)
	}
	for _, agent := range []uuid.UUID{otto, uma} {
		if end := w.turn(asked, agent); end.Outcome != events.TurnReplied {
			t.Errorf("%s: %+v", agent, end)
		}
	}
	if why := l.why(t); why != "agent "+iris.String()+": the model refused" {
		t.Errorf("parked because %q", why)
	}
	if len(w.replies(asked)) != 2 || len(w.turns(asked)) != 3 {
		t.Errorf("replies %+v, turns %+v", w.replies(asked), w.turns(asked))
	}
}

func TestAnEventThatCannotBeReadIsParkedAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	channel := w.channel("DM", ada, iris)
	unread := w.say(channel, "Good evening")
	l := w.live(saying("Good evening."), func(o *options, _ *life) {
		o.fact = func(m *message.Message) (events.Recorded, error) {
			e, err := esdb.Delivery(m)
			if e.Stream == events.MessageStream(unread) {
				return e, errors.New("a newer build wrote it")
			}
			return e, err
		}
	})
	if why := l.why(t); !strings.Contains(why, "cannot be read") {
		t.Errorf("parked because %q", why)
	}
	asked := w.say(channel, "Good evening")
	w.turn(asked, iris)
	w.answeredOnce(asked, iris)
	w.answeredOnce(unread)
}

// An outage is no failure of the reaction: it uses up neither attempts nor, when it outlasts it, the budget.
func TestAReactionOutlastsWhatIsAway(t *testing.T) {
	t.Parallel()
	t.Run("the event store, for two seconds", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		iris := w.agent("Iris")
		asked := w.say(w.channel("DM", ada, iris), "Good evening")
		thinking, away := make(chan struct{}, 1), make(chan struct{})
		l := w.live(&model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
			select {
			case thinking <- struct{}{}:
			default:
			}
			<-away
			return reactions.Completion{Text: "Good evening."}, nil
		}})
		<-thinking
		w.log.Without(func() {
			close(away)
			<-time.After(2 * time.Second)
		})
		w.turn(asked, iris)
		w.answeredOnce(asked, iris)
		if len(l.parked) > 0 {
			t.Errorf("parked because %q", <-l.parked)
		}
	})
	t.Run("the read models, for longer than the budget", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		iris := w.agent("Iris")
		asked := w.say(w.channel("DM", ada, iris), "Good evening")
		attempts := make(chan struct{}, 1000)
		var back context.CancelFunc
		l := w.live(saying("Good evening."), quick(400*time.Millisecond), func(o *options, _ *life) {
			var gone context.Context
			gone, back = context.WithCancel(context.Background())
			o.history = away{o.history, gone, attempts}
		})
		for range 5 { // some of them in a budget of their own: the pauses between them are longer than one
			select {
			case <-attempts:
			case <-time.After(patience):
				t.Fatal("it was not tried again")
			}
		}
		back()
		if end := w.turn(asked, iris); end.Outcome != events.TurnReplied {
			t.Errorf("the turn ended as %+v", end)
		}
		w.answeredOnce(asked, iris)
		if len(l.parked) > 0 {
			t.Errorf("parked because %q", <-l.parked)
		}
	})
}

// away is a history that cannot be read until the context ends.
type away struct {
	reactions.History
	gone     context.Context
	attempts chan<- struct{}
}

func (a away) Readable(ctx context.Context, p events.Position) error {
	if a.gone.Err() != nil {
		return a.History.Readable(ctx, p)
	}
	a.attempts <- struct{}{}
	return errors.New("the read models stand still")
}

func TestReadModelsThatAreAwayAreNotTakenForTheEventStore(t *testing.T) {
	t.Parallel()
	gone := away{nil, context.Background(), make(chan struct{}, 2)}
	said := events.Recorded{Event: events.MessageSubmitted{Audience: []uuid.UUID{uuid.New()}}}
	for name, err := range map[string]error{
		"reply":    reactions.Reply{History: gone}.To(t.Context(), said),
		"remember": reactions.Remember{Readable: gone.Readable}.To(t.Context(), said),
	} {
		if errors.Is(err, events.ErrUnavailable) || !strings.HasPrefix(err.Error(), "the read models are unavailable") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// explained is an error in words that may be recorded.
type explained struct{}

func (explained) Error() string       { return "about my diary" }
func (explained) Explanation() string { return "it answered 401 Unauthorized" }
