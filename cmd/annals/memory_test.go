package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/transport/models/openai/openaitest"
)

const aFact = "My sister Agatha paints blue boats in Lisbon."

// tellsAFact tells an agent something in one conversation, and gives the ids of what it remembers of that, as soon as it is
// found by its meaning.
func tellsAFact(t *testing.T, s *started, agent string) (ids []string) {
	t.Helper()
	if _, a, err := s.post(t.Context(), s.channel(t, "DM", agent), aFact); err != nil || a.status != 201 {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	eventually(t, time.Minute, "what was told is remembered", func() bool {
		var found struct {
			Memories []struct {
				ID      string
				Content struct{ Text string }
			}
		}
		a := s.must(t, 200, http.MethodGet, "/api/memory/agents/"+agent+"/memories/search?mode=semantic&q="+url.QueryEscape(aFact), nil)
		if err := a.data(&found); err != nil {
			t.Fatal(err)
		}
		for _, m := range found.Memories {
			if m.Content.Text == aFact {
				ids = append(ids, m.ID)
			}
		}
		return len(ids) > 0
	})
	return ids
}

// used waits until an agent has answered a message, and tells which memories it used.
func used(t *testing.T, s *started, agent, message string) (ids []string) {
	t.Helper()
	eventually(t, time.Minute, "the message is answered", func() bool {
		var turns struct {
			Events []struct {
				Data struct {
					MessageID, Outcome string
					Memories           []struct{ MemoryID string }
				}
			}
		}
		a := s.must(t, 200, http.MethodGet, "/api/history/events?type=TurnCompleted&agent="+agent, nil)
		if err := a.data(&turns); err != nil {
			t.Fatal(err)
		}
		for _, e := range turns.Events {
			if e.Data.MessageID == message {
				for _, m := range e.Data.Memories {
					ids = append(ids, m.MemoryID)
				}
				return true
			}
		}
		return false
	})
	return ids
}

func TestAFactToldInOneConversationIsUsedInAnother(t *testing.T) {
	t.Parallel()
	model := openaitest.Start(t, openaitest.Script{})
	for name, change := range map[string]func(*node.Config){
		"classic and hashing": nil,
		"an endpoint":         speaking(model),
		"an endpoint that embeds": func(c *node.Config) {
			speaking(model)(c)
			c.Embedding.Model = "near"
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := inside(t, change)
			agent := s.runningAgent(t, "Mnemosyne")
			facts := tellsAFact(t, s, agent)
			asked, _, err := s.post(t.Context(), s.channel(t, "DM", agent), "What does my sister Agatha paint?")
			if err != nil {
				t.Fatal(err)
			}
			if uses := used(t, s, agent, asked); !slices.ContainsFunc(uses, func(id string) bool { return slices.Contains(facts, id) }) {
				t.Errorf("%v was told, %v used", facts, uses)
			}
			if change == nil {
				return
			}
			prompts := model.Requests()
			if last := prompts[len(prompts)-1].Messages; !strings.Contains(last[0].Content, aFact) || strings.Contains(last[len(last)-1].Content, aFact) {
				t.Errorf("the prompt is %+v", last)
			}
		})
	}
}
