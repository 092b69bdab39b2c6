package queries_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

const model = "test"

// pointing is a vector of a length, in a direction that turns with the angle.
func pointing(length int, angle float64) []float32 {
	v := make([]float32, length)
	v[0], v[1] = float32(math.Cos(angle)), float32(math.Sin(angle))
	return v
}

// memory is what a test stores.
type memory struct {
	id, agent, room, entity byte
	table, text             string
	vector                  []float32
	model                   string
}

func (g *given) remembers(all ...memory) {
	g.t.Helper()
	for _, m := range all {
		f := stored(m)
		facts := []events.Event{f}
		if m.vector != nil {
			facts = append(facts, embedded(f, m.vector, m.model))
		}
		g.happened(events.MemoryStream(f.MemoryID), facts...)
	}
}

func stored(m memory) events.MemoryStored {
	content, err := json.Marshal(map[string]string{"text": m.text})
	if err != nil {
		panic(err) // a string: cannot be
	}
	return events.MemoryStored{
		MemoryID: id(m.id), AgentID: id(m.agent), RoomID: id(m.room), EntityID: id(m.entity), SubjectID: id(m.entity),
		Table: m.table, Content: content,
	}
}

func embedded(f events.MemoryStored, v []float32, name string) events.MemoryEmbedded {
	if name == "" {
		name = model
	}
	return events.MemoryEmbedded{
		MemoryID: f.MemoryID, AgentID: f.AgentID, SubjectID: f.SubjectID, Model: name, Dimensions: len(v),
		Vector: events.PackVector(v), TextHash: events.HashText(events.MemoryText(f.Content)),
	}
}

func (g *given) finds(s queries.Search, want ...byte) []queries.Hit {
	g.t.Helper()
	s.Model = cmp.Or(s.Model, model)
	if s.Limit == 0 {
		s.Limit = 10
	}
	got, err := g.Find(g.ctx, s)
	must(g.t, err)
	var ids, wanted []uuid.UUID
	for _, h := range got {
		ids = append(ids, h.ID)
	}
	for _, n := range want {
		wanted = append(wanted, id(n))
	}
	if fmt.Sprint(ids) != fmt.Sprint(wanted) {
		s.Vector = s.Vector[:min(2, len(s.Vector))]
		g.t.Errorf("%+v found %v, not %v", s, ids, wanted)
	}
	return got
}

const (
	iris, otto    = 1, 2
	parlour, hall = 11, 12
	ada, bob      = 21, 22
)

func TestMemoriesAreFoundByTheirVector(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.remembers(
		memory{id: 101, agent: iris, room: parlour, entity: ada, table: "facts", text: "a", vector: pointing(384, 0.1)},
		memory{id: 102, agent: iris, room: parlour, entity: bob, table: "messages", text: "b", vector: pointing(384, 0.2)},
		memory{id: 103, agent: iris, room: hall, entity: ada, table: "facts", text: "c", vector: pointing(384, 0.3)},
		memory{id: 104, agent: otto, room: hall, entity: ada, table: "facts", text: "d", vector: pointing(384, 0)},
		memory{id: 105, agent: iris, room: hall, entity: ada, table: "facts", text: "no vector yet"},
		memory{id: 106, agent: iris, room: hall, entity: ada, table: "facts", text: "e", vector: pointing(384, 0), model: "older"},
		memory{id: 107, agent: iris, room: hall, entity: ada, table: "facts", text: "f", vector: pointing(256, 0)},
		memory{id: 108, agent: iris, room: hall, entity: bob, table: "facts", text: "g", vector: pointing(384, 0.4), model: events.ModelGiven},
	)
	at := queries.Search{Agent: id(iris), Meaning: queries.Meaning{Vector: pointing(384, 0)}}
	hits := g.finds(at, 101, 102, 103)
	for i, angle := range []float64{0.1, 0.2, 0.3} {
		if h := hits[i]; math.Abs(*h.Similarity-math.Cos(angle)) > 1e-4 || h.Score != *h.Similarity {
			t.Errorf("hit %d: %v, %v", i, *h.Similarity, h.Score)
		}
	}
	with := func(change func(*queries.Search)) queries.Search { s := at; change(&s); return s }
	g.finds(with(func(s *queries.Search) { s.Limit = 2 }), 101, 102)
	g.finds(with(func(s *queries.Search) { s.Room = id(parlour) }), 101, 102)
	g.finds(with(func(s *queries.Search) { s.Entity = id(bob) }), 102)
	g.finds(with(func(s *queries.Search) { s.Table = "facts" }), 101, 103)
	g.finds(with(func(s *queries.Search) { s.From = dawn.Add(3 * time.Millisecond) }), 102, 103)
	g.finds(with(func(s *queries.Search) { s.To = dawn.Add(3 * time.Millisecond) }), 101, 102)
	g.finds(with(func(s *queries.Search) { s.Threshold = new(math.Cos(0.25)) }), 101, 102)
	g.finds(with(func(s *queries.Search) { s.Agent = id(99) }))
	// What was embedded by another model is compared with what that one says; what a client gave, with what a client gives alone.
	older := queries.Meaning{Model: "older", Vector: pointing(384, 0.15)}
	g.finds(with(func(s *queries.Search) {
		s.Others = []queries.Meaning{older, {Model: "unused", Vector: pointing(512, 0)}}
	}), 101, 106, 102, 103)
	g.finds(with(func(s *queries.Search) { s.Model = events.ModelGiven }), 108)
	g.finds(with(func(s *queries.Search) { s.Vector = pointing(256, 0) }), 107)
	g.finds(with(func(s *queries.Search) { s.Vector = pointing(3072, 0) }))
	for _, v := range [][]float32{pointing(385, 0), pointing(384, math.NaN())} {
		if _, err := g.Find(g.ctx, with(func(s *queries.Search) { s.Vector = v })); err == nil {
			t.Errorf("a vector of %d numbers is searched", len(v))
		}
	}
}

func TestMemoriesAreFoundByTheirWords(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.remembers(
		memory{id: 101, agent: iris, text: "My cats sleep on the piano."},
		memory{id: 102, agent: iris, text: "A cat was seen at the station, where the train to Hamburg leaves."},
		memory{id: 103, agent: iris, text: "Die Katze schläft, und der Zug nach Hamburg fährt."},
		memory{id: 104, agent: iris, text: "To be, or not to be."},
		memory{id: 105, agent: iris, text: "猫在钢琴上睡觉 gardens"},
		memory{id: 106, agent: otto, text: "The cat sleeps at Otto's."},
		memory{id: 107, agent: iris, text: ""},
	)
	for words, want := range map[string][]byte{
		"sleeping cat":           {101, 102},
		`"train to Hamburg"`:     {102},
		"cat -piano":             {102},
		"piano or station":       {101, 102},
		"Katze schläft":          {103},
		"not to be":              {104, 102},
		"gardening":              {105},
		"nothing of the sort":    nil,
		"'\"&|!():* \x01 <-> \\": nil,
	} {
		got, err := g.Find(g.ctx, queries.Search{Agent: id(iris), Words: words, Limit: 10})
		must(t, err)
		found := map[uuid.UUID]bool{}
		for _, h := range got {
			found[h.ID] = true
		}
		for _, n := range want {
			if !found[id(n)] {
				t.Errorf("%q does not find %d", words, n)
			}
		}
		if len(got) != len(want) || len(want) > 0 && got[0].ID != id(want[0]) {
			t.Errorf("%q finds %+v", words, got)
		}
	}
}

func TestAHybridSearchOrdersByBoth(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.remembers(
		memory{id: 101, agent: iris, room: 1, text: "a piano piece that begins with many other words", vector: pointing(384, 1.5)},
		memory{id: 102, agent: iris, room: 2, text: "nothing", vector: pointing(384, 0)},
		memory{id: 103, agent: iris, room: 3, text: "the piano", vector: pointing(384, 0.5)},
		memory{id: 104, agent: iris, room: 4, text: "a piano of another model, and further words without end or aim", vector: pointing(384, 0.5), model: "older"},
	)
	at := queries.Search{Agent: id(iris), Words: "piano", Meaning: queries.Meaning{Vector: pointing(384, 0), Scale: queries.Scale{Near: 0.15, Counts: 0.3}}}
	hits := g.finds(at, 103, 101, 104, 102)
	for i, angle := range map[int]float64{0: 0.5, 1: 1.5, 3: 0} {
		if s := hits[i].Similarity; s == nil || math.Abs(*s-math.Cos(angle)) > 1e-4 {
			t.Errorf("hit %d is similar by %v", i, s)
		}
	}
	if hits[2].Similarity != nil {
		t.Errorf("vectors of two models were compared: %v", *hits[2].Similarity)
	}
	at.Limit = 1
	g.finds(at, 103)
	// Where words find nothing, the nearest is found, however far it is, unless it is asked for what is near.
	at.Words, at.Vector = "violin", pointing(384, -1.5)
	g.finds(at, 102)
	at.Threshold = new(0.5)
	g.finds(at)
}

// What is forgotten, in whatever order that is told, is not found.
func TestWhatIsForgottenIsNotFound(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.remembers(
		memory{id: 101, agent: iris, room: parlour, text: "a cat", vector: pointing(384, 0.1)},
		memory{id: 102, agent: iris, room: hall, text: "a cat", vector: pointing(384, 0.2)},
		memory{id: 103, agent: otto, room: hall, text: "a cat", vector: pointing(384, 0.3)},
	)
	at := queries.Search{Agent: id(iris), Words: "cat", Meaning: queries.Meaning{Vector: pointing(384, 0)}}
	first := stored(memory{id: 101, agent: iris, room: parlour, text: "a dog"})
	stream := events.MemoryStream(id(101))
	g.happened(stream, events.MemoryUpdated{MemoryID: id(101), AgentID: id(iris), Content: first.Content})
	g.finds(at, 102)
	g.happened(stream, embedded(stored(memory{id: 101, agent: iris, text: "a cat"}), pointing(384, 0), model)) // too late
	g.finds(at, 102)
	g.happened(stream, embedded(first, pointing(384, 0.1), model))
	g.finds(at, 102, 101)
	g.happened(stream, events.MemoryDeleted{MemoryID: id(101), AgentID: id(iris)}, embedded(first, pointing(384, 0.1), model))
	g.finds(at, 102)
	g.happened(events.RoomStream(id(hall)), events.RoomCleared{RoomID: id(hall), AgentID: id(iris)})
	g.finds(at)
	g.happened(stream, first)
	g.finds(queries.Search{Agent: id(iris), Words: "dog"}, 101)
	g.finds(queries.Search{Agent: id(iris), Meaning: queries.Meaning{Vector: pointing(384, 0)}})
}
