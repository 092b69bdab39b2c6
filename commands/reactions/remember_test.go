package reactions_test

import (
	"context"
	"encoding/json"
	"log/slog"
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

// library is what characters know.
type library []reactions.Document

func (l library) Documents(context.Context, json.RawMessage) ([]reactions.Document, error) {
	return l, nil
}

// remembers starts the reaction; it ends with the test, if not before.
func (w *world) remembers(books library, change ...func(*options, *life)) *life {
	w.t.Helper()
	l := &life{ended: make(chan struct{}), parked: make(chan string, 100), logged: &record{}}
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
	declared := declaration("remember", o)
	d := reactions.Deliveries{
		Subscriber: esdb.NewSubscriber(w.log.Store, esdb.SubscriberOptions{
			Group: declared.Name, Types: declared.Types, Concurrency: 1, MessageTimeout: time.Hour, Logger: logger,
			Partition: func(events.Recorded) string { return "" },
		}),
		Fact: esdb.Delivery, Park: func(m *message.Message, why string) { esdb.Park(m, why); l.parked <- why },
		FirstRetry: o.firstRetry,
	}
	r := reactions.Remember{
		Env: commands.Env{Store: store, States: w.env.States}, Knowledge: books, Now: func() time.Time { return time.Now().UTC() },
		Readable: func(_ context.Context, p events.Position) error {
			if o.readable != nil {
				o.readable(p)
			}
			return nil
		},
	}
	go func() {
		defer close(l.ended)
		if err := reactions.Run(l.ctx, d, declared, r, logger); err != nil {
			w.t.Error(err)
		}
	}()
	w.t.Cleanup(func() { l.die(); l.wait(w.t) })
	return l
}

// memory waits for what an agent remembers under the id.
func (w *world) memory(id uuid.UUID) events.MemoryStored {
	w.t.Helper()
	e := w.await("memory "+id.String(), func(e events.Recorded) bool {
		m, stored := e.Event.(events.MemoryStored)
		return stored && m.MemoryID == id
	})
	return e.Event.(events.MemoryStored)
}

func says(t *testing.T, raw json.RawMessage) (all map[string]any) {
	t.Helper()
	must(t, json.Unmarshal(raw, &all))
	return all
}

func TestAMessageIsRememberedByEveryAgentThatHeardIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto := w.agent("Iris"), w.agent("Otto")
	group := w.channel("GROUP", ada, iris, otto)
	asked := w.say(group, "Good evening")
	w.remembers(nil)
	for _, agent := range []uuid.UUID{iris, otto} {
		m := w.memory(events.UniqueUUID(agent, asked.String()))
		if m.AgentID != agent || m.RoomID != events.UniqueUUID(agent, group.String()) || m.EntityID != events.UniqueUUID(agent, ada.String()) ||
			m.WorldID != events.UniqueUUID(agent, events.DefaultServer.String()) || m.ChannelID != group || m.SubjectID != ada || m.Table != "messages" {
			t.Errorf("it is remembered as %+v", m)
		}
		metadata := says(t, m.Metadata)
		if says(t, m.Content)["text"] != "Good evening" || metadata["sourceId"] != asked.String() || metadata["raw"].(map[string]any)["senderName"] != "Ada" {
			t.Errorf("it says %s, %s", m.Content, m.Metadata)
		}
	}
	rooms := facts[events.RoomCreated](w)
	if seen := facts[events.EntitySeen](w); len(seen) != 4 || len(rooms) != 4 { // themselves, and Ada and the group twice
		t.Errorf("%d entities and %d rooms", len(seen), len(rooms))
	}
}

func TestAReplyIsRememberedByWhoSaidItAndByWhoHeardIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto := w.agent("Iris"), w.agent("Otto")
	group := w.channel("GROUP", ada, iris, otto)
	asked := w.say(group, "Good evening")
	reply := uuid.New()
	handle(w, commands.SubmitMessage{
		MessageID: reply, ChannelID: group, ServerID: events.DefaultServer, AuthorID: iris, AuthorName: "Iris", Content: "Hello.", InReplyTo: asked,
		RawMessage: json.RawMessage(`{"thought":"hm","actions":["X"]}`),
	})
	w.remembers(nil)
	own := w.memory(events.UniqueUUID(iris, reply.String()))
	content := says(t, own.Content)
	if own.EntityID != iris || own.Metadata != nil || content["thought"] != "hm" || content["inReplyTo"] != events.UniqueUUID(iris, asked.String()).String() || content["simple"] != true {
		t.Errorf("its own is %+v %s", own, own.Content)
	}
	if heard := w.memory(events.UniqueUUID(otto, reply.String())); heard.EntityID != events.UniqueUUID(otto, iris.String()) || says(t, heard.Content)["text"] != "Hello." {
		t.Errorf("the other's is %+v", heard)
	}
}

func TestWhatIsGoneBeforeItIsRememberedStaysGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	dm, cleared, deleted := w.channel("DM", ada, iris), w.channel("DM", ada, iris), w.channel("DM", ada, iris)
	gone := []uuid.UUID{w.say(dm, "one"), w.say(cleared, "two"), w.say(deleted, "three")}
	handle(w, commands.DeleteMessage{MessageID: gone[0]})
	handle(w, commands.ClearChannel{ChannelID: cleared})
	handle(w, commands.DeleteChannel{ChannelID: deleted})
	w.tooLate(iris)
	last := w.say(dm, "four")
	l := w.remembers(nil)
	w.memory(events.UniqueUUID(iris, last.String()))
	for _, m := range facts[events.MemoryStored](w) {
		if m.MessageID != last {
			t.Errorf("it remembers %s", m.Content)
		}
	}
	if len(l.parked) > 0 {
		t.Errorf("parked: %s", <-l.parked)
	}
}

func TestAnEditChangesWhatIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	asked := w.say(w.channel("DM", ada, iris), "Good evning")
	w.remembers(nil)
	w.memory(events.UniqueUUID(iris, asked.String()))
	text := "Good evening"
	handle(w, commands.EditMessage{MessageID: asked, Content: &text})
	e := w.await("the change", func(e events.Recorded) bool { _, ok := e.Event.(events.MemoryUpdated); return ok })
	if u := e.Event.(events.MemoryUpdated); says(t, u.Content)["text"] != text || says(t, u.Metadata)["sourceId"] != asked.String() {
		t.Errorf("it is %s, %s", u.Content, u.Metadata)
	}
}

func TestAnAgentRemembersThatItChoseToBeSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	group := w.channel("GROUP", ada, iris)
	asked := w.say(group, "Good evening")
	turn := events.TurnID(asked, iris)
	handle(w, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
		TurnID: turn, ChannelID: group, AgentID: iris, MessageID: asked, Outcome: events.TurnIgnored, Reason: "the model chose to be silent",
	}})
	w.remembers(nil)
	m := w.memory(events.UniqueUUID(iris, turn.String()))
	content := says(t, m.Content)
	if content["actions"].([]any)[0] != "IGNORE" || content["simple"] != true || content["inReplyTo"] != events.UniqueUUID(iris, asked.String()).String() || m.MessageID != asked {
		t.Errorf("it is %+v %s", m, m.Content)
	}
}

func TestACharactersDocumentsAreLearntAndReplacedWhenTheyChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := uuid.New()
	handle(w, commands.CreateAgent{AgentID: iris, Character: events.Character{Name: "Iris", Knowledge: json.RawMessage(`["x"]`)}})
	book := reactions.Document{Path: "tea.md", ContentType: "text/markdown", Text: "green tea", Fragments: []string{"green", "tea"}}
	first := w.remembers(library{book})
	id := events.Derive(iris, "document", "tea.md")
	if m := w.memory(id); m.Table != events.TableDocuments || m.RoomID != iris || says(t, m.Content)["text"] != "green tea" {
		t.Errorf("the document is %+v", m)
	}
	fragments := func() (all []events.MemoryStored) {
		for _, m := range facts[events.MemoryStored](w) {
			if m.Table == events.TableKnowledge && m.DocumentID == id {
				all = append(all, m)
			}
		}
		return all
	}
	w.await("both fragments", func(events.Recorded) bool { return len(fragments()) == 2 })
	first.die()
	first.wait(t)
	book.Text, book.Fragments = "black tea", []string{"black tea"}
	w.remembers(library{book})
	handle(w, commands.StartAgent{AgentID: iris})
	w.await("the new fragment", func(events.Recorded) bool { return len(fragments()) == 3 })
	if gone := facts[events.MemoryDeleted](w); len(gone) != 1 || gone[0].MemoryID != id {
		t.Errorf("deleted: %+v", gone)
	}
}

func TestACrashAtAnyAppendLeavesEachMemoryOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris, otto := w.agent("Iris"), w.agent("Otto")
	asked := w.say(w.channel("GROUP", ada, iris, otto), "Good evening to all")
	ends := func() bool { return len(facts[events.MemoryStored](w)) == 2 }
	for n := range 60 {
		if ends() {
			break
		}
		before, after := int32(0), int32(1) // each life gets one fact into the log, and does not hear of it
		if n%2 == 1 {
			before, after = 2, 0
		}
		w.env.States = commands.NewStates(w.log.Store)
		w.remembers(nil, func(o *options, _ *life) {
			o.store = func(s events.Store, l *life) events.Store {
				return dying{Store: s, life: l, appends: new(atomic.Int32), before: before, after: after}
			}
		}).wait(t)
	}
	w.remembers(nil)
	next := w.say(w.channel("DM", ada, iris), "And now?")
	w.memory(events.UniqueUUID(iris, next.String()))
	stored := map[uuid.UUID]int{}
	for _, m := range facts[events.MemoryStored](w) {
		stored[m.MemoryID]++
	}
	for _, agent := range []uuid.UUID{iris, otto} {
		if n := stored[events.UniqueUUID(agent, asked.String())]; n != 1 {
			t.Errorf("agent %s remembers it %d times", agent, n)
		}
	}
	worlds := map[uuid.UUID]int{}
	for _, f := range facts[events.WorldCreated](w) {
		worlds[f.WorldID]++
	}
	for id, n := range worlds {
		if n != 1 {
			t.Errorf("world %s was created %d times", id, n)
		}
	}
}
