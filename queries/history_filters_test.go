package queries_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

// Filters together find what each lets through, whatever a question consists of.
func TestTheHistoryIsFoundByFiltersTogether(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.agent(7, events.Character{Name: "Eliza"})
	g.agent(8, events.Character{Name: "Parry"})
	g.channel(9, id(1), id(7))
	g.channel(10, id(2), id(7), id(8))
	for i := range byte(6) {
		g.said(20+i, "hello")
	}
	for i := range byte(3) {
		g.happened(events.MessageStream(id(20+i)), events.MessageDeleted{MessageID: id(20 + i), ChannelID: id(9 + i%2)})
		g.happened(events.TurnStream(id(30+i)), events.TurnCompleted{TurnID: id(30 + i), ChannelID: id(9 + i%2), AgentID: id(7 + i%2)})
	}
	var facts []events.Recorded
	for e, err := range g.log.ReadAll(g.ctx, 0, events.Forwards, events.Filter{}) {
		must(t, err)
		facts = append(facts, e)
	}
	chance := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // nothing secret
	some := func() events.Recorded { return facts[chance.IntN(len(facts))] }
	found := 0
	for range 1000 {
		var f queries.HistoryFilter
		one := some()
		if chance.IntN(2) == 0 {
			one = facts[len(facts)-1]
		}
		for _, set := range []func(){
			func() { f.Concerning = []uuid.UUID{id(7 + byte(chance.IntN(4)))} },
			func() { f.Concerning = events.About(one.Event) },
			func() { f.Type = some().Event.EventType() },
			func() { f.Type = one.Event.EventType() },
			func() { f.Category = some().Stream.Category() },
			func() { f.Actor = []string{one.Meta.Actor, "nobody"}[chance.IntN(8)/7] },
			func() { f.Stream = one.Stream },
			func() { f.Correlation = one.Meta.Correlation },
			func() { f.Causation = some().Meta.Causation },
			func() { f.After = some().Position },
			func() { f.Before = some().Position },
			func() { f.From = some().Created },
			func() { f.To = some().Created },
			func() { f.Direction = events.Backwards },
		} {
			if chance.IntN(5) == 0 {
				set()
			}
		}
		want := []events.Position{}
		for _, e := range facts {
			if f.Fits(e) {
				want = append(want, e.Position)
			}
		}
		if f.Direction == events.Backwards {
			slices.Reverse(want)
		}
		if diff := cmp.Diff(want, g.found(f, 1+chance.IntN(4))); diff != "" {
			t.Fatalf("%+v: %s", f, diff)
		}
		found += len(want)
	}
	if found < 300 {
		t.Errorf("only %d facts were found", found)
	}
}
