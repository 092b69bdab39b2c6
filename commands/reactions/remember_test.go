package reactions_test

import (
	"context"
	"encoding/json"
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

// library is what characters know; what agents have learned of it is read from the log.
type library []reactions.Document

// shelf is a library as the reaction sees it.
type shelf struct {
	books      library
	unreadable []string
	w          *world
}

func (s shelf) Named(context.Context, json.RawMessage) (reactions.Named, error) {
	return reactions.Named{Documents: s.books, Unreadable: s.unreadable}, nil
}

func (shelf) Split(text string) ([]string, error) { return strings.Fields(text), nil }

func (s shelf) Learned(_ context.Context, agent uuid.UUID) ([]string, error) {
	var paths []string
	for _, m := range facts[events.MemoryStored](s.w) {
		if m.AgentID == agent && m.Table == events.TableDocuments && m.Metadata != nil {
			paths = append(paths, says(s.w.t, m.Metadata)["path"].(string))
		}
	}
	return paths, nil
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
		Env: commands.Env{Store: store, States: w.env.States}, Knowledge: shelf{books, o.unreadable, w}, Now: func() time.Time { return time.Now().UTC() },
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

func says(t testing.TB, raw json.RawMessage) (all map[string]any) {
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

// knows is what an agent remembers of documents and fragments, by what the log says.
func (w *world) knows(agent uuid.UUID) (texts []string) {
	w.t.Helper()
	ids := map[uuid.UUID]bool{}
	for _, m := range facts[events.MemoryStored](w) {
		if ids[m.MemoryID] || m.AgentID != agent {
			continue
		}
		ids[m.MemoryID] = true
		memory, err := w.env.States.Memory(context.Background(), m.MemoryID)
		must(w.t, err)
		document := memory
		if m.DocumentID != uuid.Nil {
			document, err = w.env.States.Memory(context.Background(), m.DocumentID)
			must(w.t, err)
		}
		if memory.Exists && document.Exists && document.Since <= memory.Since {
			texts = append(texts, events.MemoryText(memory.Content))
		}
	}
	slices.Sort(texts)
	return texts
}

// starts lets an agent learn from a library at a start, and returns what it knows then.
func (w *world) starts(agent uuid.UUID, books library, unreadable ...string) []string {
	w.t.Helper()
	w.env.States = commands.NewStates(w.log.Store) // as on another node
	l := w.remembers(books, func(o *options, _ *life) { o.unreadable = unreadable })
	handle(w, commands.StopAgent{AgentID: agent})
	handle(w, commands.StartAgent{AgentID: agent})
	said := w.say(w.channel("DM", ada, agent), "done")
	w.memory(events.UniqueUUID(agent, said.String())) // deliveries are dealt with one after another
	handle(w, commands.DeleteMemory{MemoryID: events.UniqueUUID(agent, said.String()), AgentID: agent})
	l.die()
	l.wait(w.t)
	if len(l.parked) > 0 {
		w.t.Errorf("parked: %s", <-l.parked)
	}
	return w.knows(agent)
}

func TestKnowledgeIsWhatTheCharacterNamesAndNoClientHasDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	tea := reactions.Document{Path: "tea.md", Text: "green tea", Fragments: []string{"green", "tea"}}
	hot := reactions.Document{Path: "lore/hot.md", Text: "hot", Fragments: []string{"hot!"}}
	black := reactions.Document{Path: "tea.md", Text: "black tea", Fragments: []string{"black"}}
	idOf := func(path string) uuid.UUID { return events.Derive(iris, "document", path) }
	fragment := events.Derive(idOf("tea.md"), "fragment", "0", events.HashText("green tea"))
	remove := func(id uuid.UUID) func() {
		return func() { handle(w, commands.DeleteMemory{MemoryID: id, AgentID: iris}) }
	}
	for _, step := range []struct {
		does       string
		before     func()
		books      library
		unreadable []string
		knows      []string
	}{
		{"learns", nil, library{tea, hot}, nil, []string{"green", "green tea", "hot", "hot!", "tea"}},
		{"keeps what cannot be read", nil, library{tea}, []string{"lore"}, []string{"green", "green tea", "hot", "hot!", "tea"}},
		{"forgets", nil, library{tea}, nil, []string{"green", "green tea", "tea"}},
		{"learns again what is named again", nil, library{tea, hot}, nil, []string{"green", "green tea", "hot", "hot!", "tea"}},
		{"a fragment is deleted", remove(fragment), library{tea, hot}, nil, []string{"green tea", "hot", "hot!", "tea"}},
		{"a document is deleted", remove(idOf("lore/hot.md")), library{tea, hot}, nil, []string{"green tea", "tea"}},
		{"another start", nil, library{tea, hot}, nil, []string{"green tea", "tea"}},
		{"another text of a document", nil, library{black, hot}, nil, []string{"black", "black tea"}},
		{"another text, then the document is deleted", remove(idOf("tea.md")), library{black, hot}, nil, nil},
		{"all is cleared", func() { handle(w, commands.ClearMemories{AgentID: iris}) }, library{black, hot}, nil, []string{"black", "black tea", "hot", "hot!"}},
		{"no knowledge", nil, nil, nil, nil},
	} {
		if step.before != nil {
			step.before()
		}
		if got := w.starts(iris, step.books, step.unreadable...); !slices.Equal(got, step.knows) {
			t.Fatalf("%s: it knows %q, not %q", step.does, got, step.knows)
		}
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

func TestADocumentThatLacksFragmentsGetsThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	iris := w.agent("Iris")
	handle(w, commands.CreateRoom{RoomID: iris, AgentID: iris, Type: "SELF"})
	book := uuid.New()
	const text = "green tea is hot"
	handle(w, commands.AddDocument{StoreMemory: commands.StoreMemory{
		MemoryID: book, AgentID: iris, RoomID: iris, EntityID: iris, Table: events.TableDocuments, Content: content(text), Unique: true,
	}})
	handle(w, commands.StoreMemory{
		MemoryID: events.FragmentID(book, 1, events.HashText(text)), AgentID: iris, RoomID: iris, EntityID: iris, Table: events.TableKnowledge, DocumentID: book, Content: content("tea"),
	})
	handle(w, commands.DeleteMemory{MemoryID: events.FragmentID(book, 1, events.HashText(text)), AgentID: iris})
	want := []string{"green", text, "hot", "is"}
	for range 2 { // and once more at a start
		if got := w.starts(iris, nil); !slices.Equal(got, want) {
			t.Errorf("it knows %q, not %q", got, want)
		}
	}
}
