package queries_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

// showsAs compares what clients see.
func showsAs(t *testing.T, v any, want string) {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	var got, wanted any
	must(t, json.Unmarshal(text, &got))
	must(t, json.Unmarshal([]byte(want), &wanted))
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Error(diff)
	}
}

func notFound(t *testing.T, err error, says string) {
	t.Helper()
	if !errors.Is(err, queries.ErrNotFound) || err.Error() != says {
		t.Errorf("got %v, not %q", err, says)
	}
}

func TestAnAgentIsShownWithItsDefaultsAndItsSecretsAmongTheSettings(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.agent(1, events.Character{
		Name: "Golden Agent", System: "You are golden.", Bio: json.RawMessage(`["First line","Second line"]`), Topics: []string{"testing"},
		Settings: map[string]json.RawMessage{"model": json.RawMessage(`"m"`)},
		Secrets:  map[string]events.Secret{"KEY": events.NewSecret(json.RawMessage(`"00:11"`))},
	})
	p := g.happened(events.AgentStream(id(1)), events.AgentStarted{AgentID: id(1)})
	a, err := g.Agent(g.ctx, id(1))
	must(t, err)
	showsAs(t, a, `{"id":"01000000-0000-4000-8000-000000000001","enabled":true,"createdAt":1795442000001,"updatedAt":1795442000001,
		"name":"Golden Agent","username":"","system":"You are golden.","bio":["First line","Second line"],"messageExamples":[],
		"postExamples":[],"topics":["testing"],"adjectives":[],"knowledge":[],"plugins":[],
		"settings":{"model":"m","secrets":{"KEY":"00:11"}},"style":{},"status":"active"}`)
	if a.Revision != 1 || a.Position != p {
		t.Errorf("revision %d at %d", a.Revision, a.Position)
	}
	g.happened(events.AgentStream(id(1)), events.AgentUpdated{AgentID: id(1), Character: events.Character{Name: "New", Bio: json.RawMessage(`"b"`)}})
	a, err = g.Agent(g.ctx, id(1))
	must(t, err)
	if a.Name != "New" || a.UpdatedAt != a.CreatedAt+2 || a.Status != queries.Active || string(a.Settings) != "{}" {
		t.Errorf("updated: %+v", a)
	}
	_, err = g.AgentNamed(g.ctx, "Golden Agent")
	notFound(t, err, "agent of that name not found")
	named, err := g.AgentNamed(g.ctx, "New")
	must(t, err)
	if named != id(1) {
		t.Errorf("New is %s", named)
	}
}

func TestAgentsAreListedActiveFirstThenAsLocaleCompareSorts(t *testing.T) {
	t.Parallel()
	g := start(t)
	for i, name := range []string{"zoe", "Ärger", "apple", "Zebra", "_x", "10", "2", "résumé", "resume", "Apple", "żółw"} {
		g.agent(byte(i+1), events.Character{Name: name, Bio: json.RawMessage(`"whole"`)})
	}
	g.happened(events.AgentStream(id(4)), events.AgentStarted{AgentID: id(4)})
	all, err := g.Agents(g.ctx)
	must(t, err)
	var names []string
	for _, a := range all {
		names = append(names, a.Name)
	}
	// Node: ["zoe", …].sort((a, b) => a.localeCompare(b))
	want := []string{"Zebra", "_x", "10", "2", "apple", "Apple", "Ärger", "resume", "résumé", "zoe", "żółw"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	showsAs(t, all[0], `{"id":"04000000-0000-4000-8000-000000000004","name":"Zebra","characterName":"Zebra","bio":"whole","status":"active"}`)
	for _, c := range []struct {
		page     queries.Members
		from, to int
	}{
		{queries.Members{Limit: 3}, 0, 3},
		{queries.Members{Limit: 3, After: all[2].ID}, 3, 6},
		{queries.Members{Limit: 3, Before: all[6].ID}, 3, 6},
		{queries.Members{Limit: 9, After: all[2].ID, Before: all[5].ID}, 3, 5},
		{queries.Members{Limit: 9, After: all[5].ID, Before: all[2].ID}, 0, 0},
		{queries.Members{Limit: 9, After: all[10].ID}, 0, 0},
		{queries.Members{Limit: 0}, 0, 0},
	} {
		page, total, err := g.AgentsPage(g.ctx, c.page)
		must(t, err)
		if !slices.Equal(page, all[c.from:c.to]) || total != len(all) {
			t.Errorf("%+v: %v of %d", c.page, page, total)
		}
	}
	_, _, err = g.AgentsPage(g.ctx, queries.Members{Limit: 1, After: id(99)})
	notFound(t, err, "the cursor among the agents: not found")
	n, err := g.CountRunning(g.ctx)
	must(t, err)
	if n != 1 {
		t.Errorf("%d run", n)
	}
}

func TestADeletedAgentIsGoneFromItsServersAndNotFromItsChannels(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.agent(1, events.Character{Name: "a"})
	g.happened(events.ServerStream(id(5)), events.ServerCreated{ServerID: id(5), Name: "s", SourceType: "t"},
		events.AgentJoinedServer{ServerID: id(5), AgentID: id(2)}, events.AgentJoinedServer{ServerID: id(5), AgentID: id(1)},
		events.AgentJoinedServer{ServerID: id(5), AgentID: id(1)})
	g.channel(9, id(1), id(3))
	g.said(11, "hello")
	checkIDs(t, id(2), id(1))(g.ServerAgents(g.ctx, id(5), queries.Members{Limit: queries.MaxLimit}))
	checkIDs(t, id(5))(g.AgentServers(g.ctx, id(1), queries.Members{Limit: queries.MaxLimit}))
	g.happened(events.AgentStream(id(1)), events.AgentDeleted{AgentID: id(1)})
	checkIDs(t, id(2))(g.ServerAgents(g.ctx, id(5), queries.Members{Limit: queries.MaxLimit}))
	checkIDs(t)(g.AgentServers(g.ctx, id(1), queries.Members{Limit: queries.MaxLimit}))
	checkIDs(t, id(1), id(3))(g.Participants(g.ctx, id(9), queries.Members{Limit: queries.MaxLimit}))
	if m, err := g.Message(g.ctx, id(11)); err != nil || m.Content != "hello" {
		t.Errorf("message: %v %v", m, err)
	}
	_, err := g.Agent(g.ctx, id(1))
	notFound(t, err, "agent 01000000-0000-4000-8000-000000000001 not found")
}

func checkIDs(t *testing.T, want ...uuid.UUID) func([]uuid.UUID, int, error) {
	return func(got []uuid.UUID, _ int, err error) {
		t.Helper()
		must(t, err)
		if diff := cmp.Diff(append([]uuid.UUID{}, want...), got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestServersAndChannelsAreShownWithoutWhatIsMissingAndPagedBothWays(t *testing.T) {
	t.Parallel()
	g := start(t)
	for n := byte(1); n <= 5; n++ {
		g.happened(events.ServerStream(id(n)), events.ServerCreated{ServerID: id(n), Name: "s", SourceType: "eliza"})
		g.happened(events.ChannelStream(id(n)), events.ChannelCreated{
			ChannelID: id(n), ServerID: id(1), Name: "talk", Type: "DM", Topic: "weather", Metadata: json.RawMessage(`{"a":1}`),
		})
	}
	s, err := g.Server(g.ctx, id(1))
	must(t, err)
	showsAs(t, s, `{"id":"01000000-0000-4000-8000-000000000001","name":"s","sourceType":"eliza",
		"createdAt":"2026-11-23T13:53:20.001Z","updatedAt":"2026-11-23T13:53:20.001Z"}`)
	c, err := g.ChannelNamed(g.ctx, id(1), "DM", "talk")
	must(t, err)
	showsAs(t, c, `{"id":"01000000-0000-4000-8000-000000000001","messageServerId":"01000000-0000-4000-8000-000000000001","name":"talk",
		"type":"DM","topic":"weather","metadata":{"a":1},"createdAt":"2026-11-23T13:53:20.002Z","updatedAt":"2026-11-23T13:53:20.002Z"}`)
	_, err = g.ChannelNamed(g.ctx, id(1), "GROUP", "talk")
	notFound(t, err, "channel of type GROUP in server 01000000-0000-4000-8000-000000000001 not found")

	all, total, err := g.Servers(g.ctx, queries.Page{Limit: 10})
	must(t, err)
	if len(all) != 5 || total != 5 {
		t.Fatalf("%d of %d servers", len(all), total)
	}
	third := all[2]
	for name, c := range map[string]struct {
		page queries.Page
		want []uuid.UUID
	}{
		"from the start":   {queries.Page{Limit: 2}, []uuid.UUID{id(1), id(2)}},
		"after the third":  {queries.Page{Limit: 1, After: instant(t, third.CreatedAt), AfterPosition: third.Created}, []uuid.UUID{id(4)}},
		"before the third": {queries.Page{Limit: 1, Before: instant(t, third.CreatedAt), BeforePosition: third.Created}, []uuid.UUID{id(2)}},
		"none":             {queries.Page{}, nil},
	} {
		page, total, err := g.Servers(g.ctx, c.page)
		must(t, err)
		var got []uuid.UUID
		for _, s := range page {
			got = append(got, s.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || total != 5 {
			t.Errorf("%s: of %d: %s", name, total, diff)
		}
	}
	channels, total, err := g.Channels(g.ctx, id(1), queries.Page{Limit: 3})
	must(t, err)
	if len(channels) != 3 || total != 5 || channels[0].ID != id(1) {
		t.Errorf("%d of %d channels: %+v", len(channels), total, channels)
	}
	if none, total, err := g.Channels(g.ctx, id(7), queries.Page{Limit: 3}); err != nil || total != 0 || len(none) != 0 {
		t.Errorf("channels of a server that is not there: %v %d %v", none, total, err)
	}
}

func TestAChannelFollowsItsStream(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.channel(9, id(1), id(2), id(1))
	g.said(11, "before")
	p := g.happened(events.ChannelStream(id(9)),
		events.ParticipantJoined{ChannelID: id(9), ParticipantID: id(3)},
		events.ParticipantLeft{ChannelID: id(9), ParticipantID: id(1)},
		events.ChannelUpdated{ChannelID: id(9), Name: "renamed", Metadata: json.RawMessage(`null`)},
		events.ChannelCleared{ChannelID: id(9)})
	c, err := g.Channel(g.ctx, id(9))
	must(t, err)
	if c.Name != "renamed" || c.Metadata != nil || c.Revision != 4 || c.Position != p || c.UpdatedAt == c.CreatedAt {
		t.Errorf("channel: %+v", c)
	}
	checkIDs(t, id(2), id(3))(g.Participants(g.ctx, id(9), queries.Members{Limit: queries.MaxLimit}))
	_, err = g.Message(g.ctx, id(11))
	notFound(t, err, "message 0b000000-0000-4000-8000-00000000000b not found")
	g.said(12, "after")
	g.happened(events.ChannelStream(id(9)), events.ChannelDeleted{ChannelID: id(9)})
	_, err = g.Channel(g.ctx, id(9))
	notFound(t, err, "channel 09000000-0000-4000-8000-000000000009 not found")
	checkIDs(t)(g.Participants(g.ctx, id(9), queries.Members{Limit: queries.MaxLimit}))
	if all, err := g.MessagesIn(g.ctx, id(9), queries.Page{Limit: 9}); err != nil || len(all) != 0 {
		t.Errorf("messages of a deleted channel: %v %v", all, err)
	}
}
