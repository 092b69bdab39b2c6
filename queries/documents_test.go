package queries_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

// document stores a document of agent 1 with fragments.
func (g *given) document(n byte, metadata string, fragments ...byte) {
	g.t.Helper()
	d := stored(memory{id: n, agent: 1, room: 1, entity: 1, table: events.TableDocuments, text: "all of it"})
	d.Metadata = json.RawMessage(metadata)
	g.happened(events.MemoryStream(id(n)), d)
	for i, f := range fragments {
		part := stored(memory{id: f, agent: 1, room: 1, entity: 1, table: events.TableKnowledge, text: "a part"})
		part.DocumentID, part.Metadata = id(n), json.RawMessage(`{"position":`+string(rune('9'-i))+`}`)
		g.happened(events.MemoryStream(id(f)), part)
	}
}

func TestDocumentsAreListedWithTheirFragments(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.agent(1, events.Character{Name: "Ann"})
	g.document(10, `{"title":"Tea","filename":"tea.pdf","contentType":"application/pdf","size":7,"source":"upload"}`, 20, 21)
	g.document(11, `{"path":"lore/a.md","source":"character"}`, 22)
	g.document(12, `{"size":"many","source":{"odd":true}}`)
	g.remembers(memory{id: 13, agent: 1, room: 1, entity: 1, table: "facts", text: "no document"})
	all, total, err := g.Documents(g.ctx, id(1), queries.Page{Limit: 10})
	must(t, err)
	if total != 3 || len(all) != 3 || all[0].ID != id(12) || all[0].Size != 0 || all[1].Title != "lore/a.md" || all[1].Fragments != 1 {
		t.Errorf("%d are listed: %+v", total, all)
	}
	if tea := all[2]; tea.Title != "Tea" || tea.ContentType != "application/pdf" || tea.Size != 7 || tea.Source != "upload" || tea.Fragments != 2 {
		t.Errorf("a document is %+v", tea)
	}
	older, total, err := g.Documents(g.ctx, id(1), queries.Page{Limit: 1, Before: all[1].CreatedAt.Time(), BeforePosition: all[1].Stored})
	if err != nil || total != 3 || len(older) != 1 || older[0].ID != id(10) {
		t.Errorf("the page before has %+v, %v", older, err)
	}
	_, text, err := g.Document(g.ctx, id(1), id(10))
	if err != nil || text != "all of it" {
		t.Errorf("it says %q, %v", text, err)
	}
	for _, other := range [][2]byte{{2, 10}, {1, 13}, {1, 99}} {
		if _, _, err := g.Document(g.ctx, id(other[0]), id(other[1])); !errors.Is(err, queries.ErrNotFound) {
			t.Errorf("agent %d has document %d: %v", other[0], other[1], err)
		}
	}
	parts, err := g.Fragments(g.ctx, id(10))
	if err != nil || len(parts) != 2 || parts[0].ID != id(21) || parts[1].Position != 9 || parts[0].Text != "a part" {
		t.Errorf("its parts are %+v, %v", parts, err)
	}
	if paths, err := g.LearnedPaths(g.ctx, id(1)); err != nil || !slices.Equal(paths, []string{"lore/a.md"}) {
		t.Errorf("of the character it learned %v, %v", paths, err)
	}
	g.happened(events.MemoryStream(id(10)), events.MemoryDeleted{MemoryID: id(10), AgentID: id(1)})
	if parts, err := g.Fragments(g.ctx, id(10)); err != nil || len(parts) != 0 {
		t.Errorf("the parts outlive it: %+v, %v", parts, err)
	}
}

func TestWhatAMemoryRepeatsIsFoundInItsScope(t *testing.T) {
	t.Parallel()
	g := start(t)
	for i, table := range []string{"facts", "facts", "messages"} {
		n := byte(10 + i)
		g.remembers(memory{id: n, agent: 1, room: 5 + byte(i/2), entity: 1, table: table, text: "Tea is hot.", vector: pointing(384, float64(i)/10)})
	}
	facts := queries.Scope{Agent: id(1), Room: id(5), Table: "facts"}
	for name, c := range map[string]struct {
		scope  queries.Scope
		text   string
		memory byte
		want   uuid.UUID
	}{
		"the oldest":         {facts, "Tea is hot.", 99, id(10)},
		"one of before":      {facts, "Tea is hot.", 11, id(10)},
		"itself, the oldest": {facts, "Tea is hot.", 10, uuid.Nil},
		"another text":       {facts, "Tea is hot", 99, uuid.Nil},
		"a blank text":       {facts, " ", 99, uuid.Nil},
		"another room":       {queries.Scope{Agent: id(1), Room: id(6), Table: "facts"}, "Tea is hot.", 99, uuid.Nil},
		"another agent":      {queries.Scope{Agent: id(2), Room: id(5), Table: "facts"}, "Tea is hot.", 99, uuid.Nil},
	} {
		if got, err := g.SameText(g.ctx, c.scope, c.text, id(c.memory)); err != nil || got != c.want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	head, err := g.log.Head(g.ctx)
	must(t, err)
	near := func(angle float64, s queries.Scope, before events.Position) uuid.UUID {
		t.Helper()
		got, err := g.Nearest(g.ctx, s, queries.Meaning{Vector: pointing(384, angle), Model: model}, 0.95, before)
		must(t, err)
		return got
	}
	if got := near(0.09, facts, head+1); got != id(11) {
		t.Errorf("the nearest is %s", got)
	}
	if got := near(0.5, facts, head+1); got != uuid.Nil {
		t.Errorf("what is far is near: %s", got)
	}
	if got := near(0.09, queries.Scope{Agent: id(1), Room: id(5), Table: "messages"}, head+1); got != uuid.Nil {
		t.Errorf("of another table: %s", got)
	}
	if got := near(0, facts, 1); got != uuid.Nil {
		t.Errorf("a later one: %s", got)
	}
}

func TestAMemoryThatRepeatsAnotherIsNotUnique(t *testing.T) {
	t.Parallel()
	g := start(t)
	f := stored(memory{id: 10, agent: 1, room: 5, entity: 1, table: "facts", text: "Tea is hot."})
	f.Unique = true
	unique := func() bool {
		t.Helper()
		m, err := g.Memory(g.ctx, id(10))
		must(t, err)
		return m.Unique
	}
	repeats := embedded(f, pointing(384, 0), "")
	repeats.RepeatOf = id(9)
	for i, step := range []struct {
		fact events.Event
		want bool
	}{
		{f, true},
		{embedded(f, pointing(384, 0), ""), true},
		{repeats, false},
		{events.MemoryUpdated{MemoryID: id(10), AgentID: id(1), SubjectID: id(1), Content: f.Content, Metadata: json.RawMessage(`{"a":1}`)}, false},
		{embedded(f, pointing(384, 1), "other"), true},
		{repeats, false},
		{f, true},
	} {
		g.happened(events.MemoryStream(id(10)), step.fact)
		if unique() != step.want {
			t.Errorf("after fact %d it is %v", i, !step.want)
		}
	}
}
