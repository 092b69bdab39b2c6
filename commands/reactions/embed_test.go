package reactions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
	"annals/events/esdb"
)

// embedder gives every text a vector of its own, unless the test says otherwise.
type embedder struct {
	name   string
	answer func(ctx context.Context, texts []string) error
}

func (m *embedder) Model() string   { return m.name }
func (m *embedder) Dimensions() int { return 256 }

func (m *embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	if m.answer != nil {
		if err := m.answer(ctx, texts); err != nil {
			return nil, err
		}
	}
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		vectors[i] = vectorFor(m.name, text)
	}
	return vectors, nil
}

func vectorFor(model, text string) []float32 {
	v := make([]float32, 256)
	for i, b := range []byte(model + events.HashText(text)) {
		v[i] = float32(b)
	}
	return v
}

// remember stores a memory, as whoever stores one does.
func (w *world) remember(agent uuid.UUID, text string) uuid.UUID {
	id := uuid.New()
	w.log.Record(events.MemoryStream(id), time.Now(), stored(id, agent, text))
	return id
}

func stored(id, agent uuid.UUID, text string) events.MemoryStored {
	return events.MemoryStored{MemoryID: id, AgentID: agent, SubjectID: ada, Table: "facts", Content: content(text)}
}

func content(text string) json.RawMessage {
	c, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		panic(err) // a string: cannot be
	}
	return c
}

// goesOn appends a fact to a stream that has begun.
func (w *world) goesOn(s events.StreamID, fact events.Event) {
	w.t.Helper()
	last := events.NoStream
	for e, err := range w.log.Read(w.t.Context(), s, events.Forwards) {
		must(w.t, err)
		last = events.Revision(e.Revision)
	}
	_, err := w.log.Append(w.t.Context(), s, last, events.Proposed{ID: uuid.New(), Event: fact, Meta: events.Metadata{At: time.Now().UTC(), Actor: "cli"}})
	must(w.t, err)
}

// embeds starts the reaction; it ends with the test, if not before.
func (w *world) embeds(model reactions.Embedder, change ...func(*options, *life)) *life {
	w.t.Helper()
	l := &life{ended: make(chan struct{}), parked: make(chan string, 1000), logged: &record{}}
	l.ctx, l.die = context.WithCancel(context.Background())
	o := options{firstRetry: time.Millisecond}
	for _, f := range change {
		f(&o, l)
	}
	store := events.Store(mortal{w.log.Store, l})
	if o.store != nil {
		store = o.store(store, l)
	}
	logger := slog.New(slog.NewTextHandler(l.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	declared := declaration("embed", o)
	d := reactions.Deliveries{
		Subscriber: esdb.NewSubscriber(w.log.Store, esdb.SubscriberOptions{
			Group: declared.Name, Types: declared.Types, Concurrency: 128, MessageTimeout: time.Hour, Logger: logger,
			Partition: declared.Partition,
		}),
		Fact: esdb.Delivery, Park: func(m *message.Message, why string) { esdb.Park(m, why); l.parked <- why },
		FirstRetry: o.firstRetry,
	}
	r := reactions.NewEmbed(commands.Env{Store: store, States: w.env.States}, model, o.repeats, time.Now)
	go func() {
		defer close(l.ended)
		if err := reactions.Run(l.ctx, d, declared, r, logger); err != nil {
			w.t.Error(err)
		}
	}()
	w.t.Cleanup(func() { l.die(); l.wait(w.t) })
	return l
}

// vector waits for the vector of a memory's text.
func (w *world) vector(memory uuid.UUID, text string) events.MemoryEmbedded {
	w.t.Helper()
	e := w.await("the vector of "+memory.String(), func(e events.Recorded) bool {
		f, ok := e.Event.(events.MemoryEmbedded)
		return ok && f.MemoryID == memory && f.TextHash == events.HashText(text)
	})
	return e.Event.(events.MemoryEmbedded)
}

func TestAMemoryGetsTheVectorOfItsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	m := &embedder{name: "small"}
	life := w.embeds(m)
	memory := w.remember(iris, "My cat is called Whiskers.")
	got := w.vector(memory, "My cat is called Whiskers.")
	want := events.MemoryEmbedded{
		MemoryID: memory, AgentID: iris, SubjectID: ada, Model: "small", Dimensions: 256,
		Vector: events.PackVector(vectorFor("small", "My cat is called Whiskers.")), TextHash: events.HashText("My cat is called Whiskers."),
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v", got)
	}
	w.goesOn(events.MemoryStream(memory), events.MemoryUpdated{
		MemoryID: memory, AgentID: iris, SubjectID: ada, Content: content("My dog is called Rex."),
	})
	w.vector(memory, "My dog is called Rex.")
	for _, text := range []string{"", " \n"} {
		w.remember(iris, text)
	}
	last := w.remember(iris, "The end.")
	w.vector(last, "The end.")
	if n := len(facts[events.MemoryEmbedded](w)); n != 3 || len(life.parked) > 0 {
		t.Errorf("%d vectors, %d parked", n, len(life.parked))
	}
	if logged := life.logged.String(); strings.Contains(logged, "Whiskers") {
		t.Error("the text is in the log")
	}
}

func TestManyMemoriesEachGetTheirVector(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	m := &embedder{name: "small"}
	memories := map[string]uuid.UUID{}
	for i := range 200 {
		text := fmt.Sprintf("Fact number %d.", i)
		memories[text] = w.remember(iris, text)
	}
	w.embeds(m)
	for text, id := range memories {
		if got := w.vector(id, text); string(got.Vector) != string(events.PackVector(vectorFor("small", text))) {
			t.Errorf("%q got the vector of another text", text)
		}
	}
	if n := len(facts[events.MemoryEmbedded](w)); n != len(memories) {
		t.Errorf("%d vectors for %d memories", n, len(memories))
	}
}

func TestATextThatTheModelRefusesIsParkedAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	m := &embedder{name: "small", answer: func(_ context.Context, texts []string) error {
		if slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "poison") }) {
			return fmt.Errorf("%w: too long", reactions.ErrRefused)
		}
		return nil
	}}
	memories := map[string]uuid.UUID{}
	for i := range 50 {
		text := fmt.Sprintf("Fact number %d.", i)
		memories[text] = w.remember(iris, text)
	}
	w.remember(iris, "This is poison.")
	life := w.embeds(m)
	for text, id := range memories {
		w.vector(id, text)
	}
	select {
	case why := <-life.parked:
		if why != "the model refused" {
			t.Errorf("parked because %q", why)
		}
	case <-time.After(patience):
		t.Error("it was not parked")
	}
	if n := len(facts[events.MemoryEmbedded](w)); n != len(memories) {
		t.Errorf("%d vectors for %d memories", n, len(memories))
	}
}

func TestAModelThatFailsIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	var calls atomic.Int32
	m := &embedder{name: "small", answer: func(context.Context, []string) error {
		switch calls.Add(1) {
		case 1:
			return errors.New("not now")
		case 2:
			panic("private words")
		}
		return nil
	}}
	life := w.embeds(m)
	w.vector(w.remember(iris, "A fact."), "A fact.")
	if logged := life.logged.String(); strings.Contains(logged, "private words") || len(life.parked) > 0 {
		t.Errorf("%d parked; logged:\n%s", len(life.parked), logged)
	}
}

// A vector is recorded once, wherever the node was when it died, and however often the memory is delivered.
func TestAVectorIsRecordedOnceThroughCrashes(t *testing.T) {
	t.Parallel()
	for name, deadly := range map[string]func(*options, *life, *embedder){
		"while the model computes": func(_ *options, l *life, m *embedder) {
			m.answer = func(ctx context.Context, _ []string) error { l.die(); <-ctx.Done(); return ctx.Err() }
		},
		"when the model has answered": func(_ *options, l *life, m *embedder) {
			m.answer = func(context.Context, []string) error { l.die(); return nil }
		},
		"before it is recorded": func(o *options, _ *life, _ *embedder) {
			o.store = func(s events.Store, l *life) events.Store {
				return dying{Store: s, life: l, appends: new(atomic.Int32), before: 1}
			}
		},
		"when it is recorded": func(o *options, _ *life, _ *embedder) {
			o.store = func(s events.Store, l *life) events.Store {
				return dying{Store: s, life: l, appends: new(atomic.Int32), after: 1}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			memory := w.remember(w.agent("Iris"), "A fact.")
			m := &embedder{name: "small"}
			first := w.embeds(m, func(o *options, l *life) { deadly(o, l, m) })
			first.wait(t)
			w.embeds(&embedder{name: "small"})
			w.vector(memory, "A fact.")
			last := w.remember(uuid.New(), "Another fact.")
			w.vector(last, "Another fact.")
			if n := len(facts[events.MemoryEmbedded](w)); n != 2 {
				t.Errorf("%d vectors for two memories", n)
			}
		})
	}
}

func TestMemoriesAreEmbeddedAgainForAnotherModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	old := &embedder{name: "old"}
	life := w.embeds(old)
	var ids []uuid.UUID
	for i := range 10 {
		text := fmt.Sprintf("Fact number %d.", i)
		id := w.remember(iris, text)
		w.vector(id, text)
		ids = append(ids, id)
	}
	handle(w, commands.EmbedMemory{MemoryID: ids[3], Model: events.ModelGiven, Text: "Fact number 3.", Vector: vectorFor("client", "3")})
	w.goesOn(events.MemoryStream(ids[4]), events.MemoryDeleted{MemoryID: ids[4], AgentID: iris})
	life.die()
	life.wait(t)

	env := commands.Env{Store: w.log.Store, States: w.env.States}
	again := reactions.NewEmbed(env, &embedder{name: "new"}, nil, time.Now)
	for run, want := range []int{8, 0} {
		if n, err := again.Again(t.Context(), uuid.New(), ids); n != want || err != nil {
			t.Errorf("run %d embedded %d: %v", run, n, err)
		}
	}
	if n, err := reactions.NewEmbed(env, old, nil, time.Now).Again(t.Context(), uuid.New(), ids); n != 8 || err != nil {
		t.Errorf("back to the old model: %d, %v", n, err)
	}
	refused := &embedder{name: "odd", answer: func(context.Context, []string) error { return reactions.ErrRefused }}
	if n, err := reactions.NewEmbed(env, refused, nil, time.Now).Again(t.Context(), uuid.New(), ids); n != 0 || !errors.Is(err, reactions.ErrRefused) {
		t.Errorf("a model that refuses: %d, %v", n, err)
	}
}

// apart gives texts that begin alike the same vector, of length 1.
type apart struct{ embedder }

func (m *apart) Embed(_ context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		vectors[i] = make([]float32, 256)
		vectors[i][text[0]] = 1
	}
	return vectors, nil
}

// readRepeats is what the read models know of repetitions.
type readRepeats func(memory uuid.UUID, v commands.Vector) uuid.UUID

func (f readRepeats) Repeated(_ context.Context, memory uuid.UUID, v commands.Vector, _ string, _ []float32) (uuid.UUID, error) {
	return f(memory, v), nil
}

func TestAMemoryThatRepeatsAnEarlierOneSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto := w.agent("Iris"), w.agent("Otto")
	old := uuid.New()
	w.embeds(&apart{embedder{name: "apart"}}, func(o *options, _ *life) {
		o.repeats = readRepeats(func(_ uuid.UUID, v commands.Vector) uuid.UUID {
			if v.Text == "Old news." {
				return old
			}
			return uuid.Nil
		})
	})
	for _, agent := range []uuid.UUID{iris, otto} {
		handle(w, commands.CreateRoom{RoomID: agent, AgentID: agent, Type: "SELF"})
	}
	remember := func(agent uuid.UUID, table, text string) uuid.UUID {
		id := uuid.New()
		handle(w, commands.StoreMemory{MemoryID: id, AgentID: agent, RoomID: agent, EntityID: agent, Table: table, Content: content(text), Unique: true})
		return id
	}
	repeats := func(memory uuid.UUID, text string) uuid.UUID { return w.vector(memory, text).RepeatOf }
	first := remember(iris, "facts", "Tea is hot.")
	if of := repeats(first, "Tea is hot."); of != uuid.Nil {
		t.Errorf("the first repeats %s", of)
	}
	for text, want := range map[string]uuid.UUID{"Tea is hot!": first, "Coffee": uuid.Nil, "Old news.": old} {
		if of := repeats(remember(iris, "facts", text), text); of != want {
			t.Errorf("%q repeats %s, not %s", text, of, want)
		}
	}
	if of := repeats(remember(otto, "facts", "Tea, please."), "Tea, please."); of != uuid.Nil {
		t.Errorf("what another agent remembers repeats %s", of)
	}
	if of := repeats(remember(iris, "messages", "Tea, now."), "Tea, now."); of != uuid.Nil {
		t.Errorf("a memory of another table repeats %s", of)
	}
	handle(w, commands.DeleteMemory{MemoryID: first, AgentID: iris})
	again := remember(iris, "facts", "Tomorrow")
	if of := repeats(again, "Tomorrow"); of == first {
		t.Error("it repeats what was deleted")
	}
}
