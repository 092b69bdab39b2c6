package queries_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

// found are the positions that a filter leads to, read in pages of the given size.
func (g *given) found(f queries.HistoryFilter, size int) []events.Position {
	g.t.Helper()
	all := []events.Position{}
	for {
		page, err := g.History(g.ctx, f, size)
		must(g.t, err)
		for _, e := range page {
			all = append(all, e.Position)
		}
		if len(page) < size {
			return all
		}
		if last := all[len(all)-1]; f.Direction == events.Forwards {
			f.After = last
		} else {
			f.Before = last
		}
	}
}

func TestTheHistoryIsFoundByEveryFilterInBothDirections(t *testing.T) {
	t.Parallel()
	g := start(t)
	agent := g.agent(7, events.Character{Name: "Eliza"})
	channel := g.channel(9, id(1), id(7))
	first, second := g.said(20, "hello"), g.said(21, "goodbye")
	gone := g.happened(events.MessageStream(id(20)), events.MessageDeleted{MessageID: id(20), ChannelID: id(9)})
	turn := g.happened(events.TurnStream(id(30)), events.TurnCompleted{TurnID: id(30), ChannelID: id(9), AgentID: id(7), MessageID: id(21)})
	for name, c := range map[string]struct {
		filter queries.HistoryFilter
		want   []events.Position
	}{
		"none":             {queries.HistoryFilter{}, []events.Position{agent, channel, first, second, gone, turn}},
		"stream":           {queries.HistoryFilter{Stream: events.MessageStream(id(20))}, []events.Position{first, gone}},
		"category":         {queries.HistoryFilter{Category: "message"}, []events.Position{first, second, gone}},
		"type":             {queries.HistoryFilter{Type: "MessageSubmitted"}, []events.Position{first, second}},
		"channel":          {queries.HistoryFilter{Concerning: []uuid.UUID{id(9)}}, []events.Position{channel, first, second, gone, turn}},
		"agent":            {queries.HistoryFilter{Concerning: []uuid.UUID{id(7)}}, []events.Position{agent, channel, turn}},
		"person":           {queries.HistoryFilter{Concerning: []uuid.UUID{id(1)}}, []events.Position{channel, first, second}},
		"agent in channel": {queries.HistoryFilter{Concerning: []uuid.UUID{id(9), id(7)}}, []events.Position{channel, turn}},
		"type in channel":  {queries.HistoryFilter{Concerning: []uuid.UUID{id(9)}, Type: "MessageDeleted"}, []events.Position{gone}},
		"between":          {queries.HistoryFilter{After: channel, Before: turn}, []events.Position{first, second, gone}},
		"nobody":           {queries.HistoryFilter{Actor: "nobody"}, []events.Position{}},
		"another request":  {queries.HistoryFilter{Correlation: id(66)}, []events.Position{}},
		"another cause":    {queries.HistoryFilter{Causation: id(66)}, []events.Position{}},
	} {
		if diff := cmp.Diff(c.want, g.found(c.filter, 1000)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(c.want, g.found(c.filter, 2)); diff != "" {
			t.Errorf("%s, in pages: %s", name, diff)
		}
		c.filter.Direction = events.Backwards
		slices.Reverse(c.want)
		if diff := cmp.Diff(c.want, g.found(c.filter, 2)); diff != "" {
			t.Errorf("%s, backwards: %s", name, diff)
		}
	}
}

func TestTheHistoryIsBoundedByWhenFactsWereRecorded(t *testing.T) {
	t.Parallel()
	g := start(t)
	before := time.Now()
	p := g.agent(7, events.Character{Name: "Eliza"})
	facts, err := g.History(g.ctx, queries.HistoryFilter{}, 10)
	must(t, err)
	recorded := facts[0].Created
	for name, c := range map[string]struct {
		filter queries.HistoryFilter
		want   []events.Position
	}{
		"from then on":   {queries.HistoryFilter{From: recorded}, []events.Position{p}},
		"from later on":  {queries.HistoryFilter{From: recorded.Add(time.Microsecond)}, []events.Position{}},
		"until then":     {queries.HistoryFilter{To: recorded}, []events.Position{}},
		"until later":    {queries.HistoryFilter{To: recorded.Add(time.Microsecond)}, []events.Position{p}},
		"around":         {queries.HistoryFilter{From: before, To: recorded.Add(time.Hour)}, []events.Position{p}},
		"from the dawn":  {queries.HistoryFilter{From: dawn.AddDate(-60, 0, 0)}, []events.Position{p}},
		"until the dusk": {queries.HistoryFilter{To: dawn.AddDate(1000, 0, 0)}, []events.Position{p}},
	} {
		if diff := cmp.Diff(c.want, g.found(c.filter, 10)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for at, want := range map[time.Time]events.Position{recorded: p, recorded.Add(-time.Microsecond): 0} {
		got, err := g.RecordedBy(g.ctx, at)
		must(t, err)
		if got != want {
			t.Errorf("recorded by %s: %d, not %d", at, got, want)
		}
	}
}

func TestWhatIsSealedStaysSealedInTheHistory(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.said(20, "my secret wish")
	var n int
	must(t, g.pool.QueryRow(g.ctx, `select count(*) from history h where position(convert_to('secret wish', 'UTF8') in h.data) > 0`).Scan(&n))
	if n != 0 {
		t.Error("the text can be read in PostgreSQL")
	}
}
