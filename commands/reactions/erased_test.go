package reactions_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
)

// mark is what an erased person said.
const mark = "zanzibarcanary"

// erase erases a subject, as the command does.
func (w *world) erase(subject uuid.UUID) {
	key, err := w.log.Codec.KeyOf(context.Background(), subject)
	must(w.t, err)
	handle(w, commands.EraseSubject{SubjectID: subject, Key: key})
	must(w.t, w.log.Codec.Erase(context.Background(), subject))
}

// withoutMark fails the test where an event says what was erased.
func (w *world) withoutMark() {
	w.t.Helper()
	for e, err := range w.log.ReadAll(w.t.Context(), 0, events.Forwards, events.Filter{}) {
		must(w.t, err)
		text, err := json.Marshal(e.Event)
		must(w.t, err)
		if strings.Contains(string(text), mark) {
			w.t.Errorf("%s at %d: %s", e.Event.EventType(), e.Position, text)
		}
	}
}

// A person is erased while a model is asked, and may have spoken again before it has answered: nothing of what was erased is recorded.
func TestWhatIsErasedWhileAModelAnswersIsNotRecordedAgain(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]bool{"who says nothing more": false, "who speaks again": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			iris := w.agent("Iris")
			channel := w.channel("DM", ada, iris)
			var once sync.Once
			var later uuid.UUID
			w.live(&model{answer: func(_ context.Context, p reactions.Prompt) (reactions.Completion, error) {
				once.Do(func() {
					w.erase(ada)
					if again {
						later = w.say(channel, "Hello again.")
					}
				})
				return reactions.Completion{Text: "You said: " + p.Turns[len(p.Turns)-1].Text, Model: "fake"}, nil
			}})
			asked := w.say(channel, mark)
			if end := w.turn(asked, iris); end.Outcome != events.TurnIgnored || !strings.Contains(end.Reason, "erased") {
				t.Errorf("the turn ended as %+v", end)
			}
			if again {
				w.turn(later, iris)
				w.answeredOnce(later, iris)
			}
			w.withoutMark()
		})
	}
}

func TestWhatWasErasedBeforeItIsAnsweredIsShownToNoModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.say(w.channel("DM", ada, iris), mark)
	w.erase(ada)
	text := saying("Hello.")
	w.live(text)
	if end := w.turn(asked, iris); end.Outcome != events.TurnIgnored || len(text.prompts()) != 0 {
		t.Errorf("the turn ended as %+v, and the model was shown %+v", end, text.prompts())
	}
}

// An answer repeats words of the person whom it answers: it goes with them, and so does what agents remember of it, and what is in their
// logs.
func TestAnAnswerIsErasedWithThePersonWhomItAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto := w.agent("Iris"), w.agent("Otto")
	channel, bob := w.channel("DM", ada, iris), uuid.New()
	w.remembers(nil)
	w.live(&model{answer: func(_ context.Context, p reactions.Prompt) (reactions.Completion, error) {
		return reactions.Completion{Text: "You said: " + p.Turns[len(p.Turns)-1].Text, Model: "fake"}, nil
	}})
	asked := w.say(channel, mark)
	w.turn(asked, iris)
	reply := w.replies(asked)[0]
	if reply.SubjectID != ada || reply.AuthorName != "Iris" {
		t.Errorf("the answer is %+v", reply)
	}
	text := reply.Content + " indeed"
	handle(w, commands.EditMessage{MessageID: reply.MessageID, Content: &text})
	w.await("what the agent remembers of its answer", func(e events.Recorded) bool {
		m, updated := e.Event.(events.MemoryUpdated)
		return updated && m.MemoryID == events.UniqueUUID(iris, reply.MessageID.String())
	})
	// Another person is answered in the same channel: the prompt that is recorded does not repeat the first answer.
	handle(w, commands.JoinChannel{ChannelID: channel, ParticipantID: otto})
	w.turn(w.sayAs(bob, channel, "Iris, good morning."), iris)
	w.erase(ada)
	w.withoutMark()
	for _, m := range w.replies(asked) {
		if m.AuthorName != "Iris" || m.Content != events.Erased {
			t.Errorf("the answer reads %+v", m)
		}
	}
}

func TestATitleIsNotRecordedForAPersonWhoIsErasedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.say(w.channel("DM", ada, iris), mark)
	said := w.await("the message", func(e events.Recorded) bool { return e.Stream == events.MessageStream(asked) })
	of := reactions.Title{Env: w.env, Now: time.Now, Models: everybody{&model{answer: func(context.Context, reactions.Prompt) (reactions.Completion, error) {
		w.erase(ada)
		return reactions.Completion{Text: "About " + mark}, nil
	}}}}
	_, _, err := of.Of(t.Context(), request(), iris, uuid.New(), []reactions.Said{
		{AuthorID: ada, SubjectID: ada, Content: mark, Position: said.Position}, {AuthorID: iris, SubjectID: ada, Content: "Yes, " + mark, Position: said.Position + 1},
	})
	if !errors.Is(err, events.ErrErased) {
		t.Errorf("the title: %v", err)
	}
	w.withoutMark()
}

func TestWhatIsErasedMeanwhileIsNeitherEmbeddedNorRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, bob := w.agent("Iris"), uuid.New()
	channel := w.channel("GROUP", ada, bob, iris)
	var once sync.Once
	w.embeds(&embedder{name: "fake", answer: func(context.Context, []string) error {
		once.Do(func() { w.erase(ada) })
		return nil
	}})
	memory := w.remember(iris, mark)
	w.await("the erasure", func(e events.Recorded) bool { _, erased := e.Event.(events.SubjectErased); return erased })
	other := uuid.New()
	w.log.Record(events.MemoryStream(other), time.Now(), events.MemoryStored{MemoryID: other, AgentID: iris, SubjectID: bob, Table: "facts", Content: content("Tea.")})
	w.await("the vector of another memory", func(e events.Recorded) bool {
		_, embedded := e.Event.(events.MemoryEmbedded)
		return embedded && e.Stream == events.MemoryStream(other)
	})
	before, err := w.log.Head(t.Context())
	must(t, err)
	var again sync.Once
	w.remembers(nil, func(o *options, _ *life) {
		o.readable = func(p events.Position) {
			if p > before {
				again.Do(func() { w.erase(ada) })
			}
		}
	})
	asked := w.say(channel, mark)
	w.memory(events.UniqueUUID(iris, w.sayAs(bob, channel, "Good morning.").String()))
	w.withoutMark()
	for _, m := range facts[events.MemoryStored](w) {
		if m.MemoryID == events.UniqueUUID(iris, asked.String()) {
			t.Errorf("it is remembered as %+v", m)
		}
	}
	for _, m := range facts[events.MemoryEmbedded](w) {
		if m.MemoryID == memory {
			t.Errorf("its vector is recorded: %+v", m)
		}
	}
}
