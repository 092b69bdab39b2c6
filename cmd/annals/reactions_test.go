package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/commands/reactions"
	"annals/deploy/postgres/pgtest"
	"annals/events"
)

// refusing is a reaction that can do nothing.
type refusing struct{}

func (refusing) To(context.Context, events.Recorded) error            { return reactions.ErrRefused }
func (refusing) GiveUp(context.Context, events.Recorded, error) error { return nil }

func TestAReactionThatIsDeclaredIsListedWhereverReactionsAre(t *testing.T) {
	t.Parallel()
	const name = "declared"
	added := reactions.Declaration{
		Name: name, Types: []string{events.AgentCreated{}.EventType()}, Budget: time.Minute,
		Partition: func(e events.Recorded) string { return string(e.Stream) },
		AtOnce:    func(reactions.Ports) int { return 1 },
		Make:      func(reactions.Ports) reactions.Reaction { return refusing{} },
	}
	all := append(reactions.All(), added)
	o := node.Options{Config: node.Config{Places: node.Places{DataDir: t.TempDir(), PostgresURL: pgtest.New(t)}}}
	s := inside(t, func(c *node.Config) { c.DataDir, c.PostgresURL = o.DataDir, o.PostgresURL }, func(o *node.Options) { o.Reactions = all })
	s.runningAgent(t, "Eliza")
	parked := func(what string) string {
		return string(s.must(t, http.StatusOK, http.MethodGet, "/api/server/parked"+what, nil).body)
	}
	eventually(t, time.Minute, "it is parked", func() bool { return strings.Contains(parked(""), `"group":"declared"`) })
	if found := parked("?group=" + name); !strings.Contains(found, "AgentCreated") {
		t.Errorf("parked of the reaction is %s", found)
	}
	if r := s.must(t, http.StatusNotFound, http.MethodGet, "/api/server/parked?group=nobody", nil); !strings.Contains(string(r.body), name) {
		t.Errorf("what there is is not named: %s", r.body)
	}
	state := string(s.must(t, http.StatusOK, http.MethodGet, "/api/server/debug/state", nil).body)
	for _, d := range all {
		if !strings.Contains(state, fmt.Sprintf(`"group":%q`, d.Name)) {
			t.Errorf("the state says nothing of %s: %s", d.Name, state)
		}
		line := fmt.Sprintf("annals_parked_events{reaction=%q} 0", d.Name)
		if d.Name == name {
			line = fmt.Sprintf("annals_parked_events{reaction=%q} 1", d.Name)
		}
		eventually(t, time.Minute, line, func() bool { return s.counts(t, line) })
	}
	eventually(t, time.Minute, "it is counted", func() bool { return s.counts(t, `annals_reactions_total{outcome="parked",reaction="declared"} 1`) })

	b, err := node.Open(t.Context(), node.Options{Config: o.Config, Reactions: all})
	defer b.Stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Parked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found, err := p.List(t.Context(), ""); err != nil || len(found) != 1 || found[0].Group != name {
		t.Errorf("beside the server is parked %+v, %v", found, err)
	}
}

func TestHelpNamesEveryReaction(t *testing.T) {
	t.Parallel()
	help := printed(t, "parked", "list", "--help")
	for _, d := range reactions.All() {
		if !strings.Contains(help, d.Name) {
			t.Errorf("%s is not in %s", d.Name, help)
		}
	}
}
