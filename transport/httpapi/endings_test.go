package httpapi_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"

	"annals/projections"
	"annals/projections/engine"
)

// ending is a kind of parent that is deleted while children are made.
type ending struct {
	name string
	// parent makes one, and returns the path that is deleted.
	parent func(s *fixture) string
	// child makes one and returns where it is shown, "" where it was refused.
	child func(s *fixture, parent string, n int) string
	// lists are where children would be listed, each with the member that has the list.
	lists func(parent string) [][2]string
	// anew makes the parent again under its id; nil where clients cannot.
	anew func(s *fixture, parent string)
}

func endings() []ending {
	agent := func(s *fixture) string {
		s.T.Helper()
		id := s.Ask("POST", "/api/agents", fields{"characterJson": fields{"id": uuid.New(), "name": "A" + uuid.NewString(), "bio": "b"}}).Is(201).Text("id")
		s.Ask("POST", "/api/agents/"+id+"/start", nil).Is(200)
		return "/api/agents/" + id
	}
	again := func(s *fixture, parent string) {
		s.T.Helper()
		s.Ask("POST", "/api/agents", fields{"characterJson": fields{"id": idOf(parent), "name": "A" + uuid.NewString(), "bio": "b"}}).Is(201)
		s.Ask("POST", parent+"/start", nil).Is(200)
	}
	made := func(a answered, at string) string {
		if a.Status == 201 || a.Status == 200 {
			return a.Text(at)
		}
		if a.Status != 404 {
			a.T.Errorf("%s: %d %s", a.What, a.Status, a.Body)
		}
		return ""
	}
	shown := func(id, format string) string {
		if id == "" {
			return ""
		}
		return fmt.Sprintf(format, id)
	}
	return []ending{
		{
			name: "memories of an agent", parent: agent, anew: again,
			child: func(s *fixture, parent string, n int) string {
				return shown(made(s.Ask("POST", parent+"/memories", fields{"content": fields{"text": fmt.Sprint(n)}}), "id"), parent+"/memories/%s")
			},
			lists: func(parent string) [][2]string { return [][2]string{{parent + "/memories", "memories"}} },
		},
		{
			name: "rooms of an agent", parent: agent, anew: again,
			child: func(s *fixture, parent string, n int) string {
				return shown(made(s.Ask("POST", parent+"/rooms", fields{"name": fmt.Sprint(n), "type": "GROUP"}), "id"), parent+"/rooms/%s")
			},
			lists: func(parent string) [][2]string {
				return [][2]string{{parent + "/rooms", "rooms"}, {parent + "/worlds", "worlds"}}
			},
		},
		{
			name: "worlds of an agent", parent: agent, anew: again,
			child: func(s *fixture, parent string, n int) string {
				made(s.Ask("POST", parent+"/worlds", fields{"name": fmt.Sprint(n)}), "world.id")
				return ""
			},
			lists: func(parent string) [][2]string { return [][2]string{{parent + "/worlds", "worlds"}} },
		},
		{
			name: "files of an agent", parent: agent, anew: again,
			child: func(s *fixture, parent string, n int) string {
				up := s.upload("/api/media/agents/"+idOf(parent).String()+"/upload", fmt.Sprint(n, ".png"), "image/png", pixel)
				return made(up, "url")
			},
		},
		{
			name: "sessions with an agent", parent: agent, anew: again,
			child: func(s *fixture, parent string, _ int) string {
				return shown(made(s.Ask("POST", sessions, fields{"agentId": idOf(parent), "userId": ann}), "sessionId"), sessions+"/%s")
			},
			lists: func(string) [][2]string { return [][2]string{{sessions, "sessions"}} },
		},
		{
			name: "channels of a server", parent: func(s *fixture) string {
				s.T.Helper()
				return "/api/messaging/servers/" + s.Ask("POST", "/api/messaging/servers", fields{"name": "S", "sourceType": "t"}).Is(201).Text("server.id")
			},
			child: func(s *fixture, parent string, n int) string {
				a := s.Ask("POST", "/api/messaging/channels", fields{"serverId": idOf(parent), "name": fmt.Sprint(n), "type": "GROUP"})
				return shown(made(a, "channel.id"), "/api/messaging/channels/%s/details")
			},
			lists: func(parent string) [][2]string {
				return [][2]string{{"/api/messaging/central-servers/" + idOf(parent).String() + "/channels", "channels"}}
			},
		},
		{
			name: "messages of a session", parent: func(s *fixture) string {
				s.T.Helper()
				return s.openSession(s.newAgent("A"+uuid.NewString()), nil)
			},
			child: func(s *fixture, parent string, n int) string {
				made(s.Ask("POST", parent+"/messages", fields{"content": fmt.Sprint(n)}), "userMessage.id")
				return ""
			},
		},
	}
}

// What is made while its parent is deleted is gone with it: it is in no list, it is not shown, it does not come back with the parent,
// and the read models are what a rebuild makes of the log.
func TestWhatIsMadeDuringTheDeletionOfItsParentIsGone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, kind := range endings() {
		late := 0
		for range 3 {
			parent := kind.parent(s)
			if kind.child(s, parent, 0); t.Failed() {
				t.Fatal(kind.name)
			}
			var places [20]string
			var all sync.WaitGroup
			for i := range places {
				if i == len(places)/2 {
					all.Go(func() {
						if a := s.Ask("DELETE", parent, nil); a.Status >= 300 {
							t.Errorf("%s: %d %s", a.What, a.Status, a.Body)
						}
					})
				}
				all.Go(func() { places[i] = kind.child(s, parent, 1+i) })
			}
			all.Wait()
			s.CaughtUp()
			gone := func(when string) {
				t.Helper()
				for _, place := range places {
					if place == "" {
						continue
					}
					if a := s.Ask("GET", place, nil); a.Status != 404 {
						t.Errorf("%s, %s: %s is shown: %d %.200s", kind.name, when, place, a.Status, a.Body)
					}
				}
				if kind.lists == nil {
					return
				}
				for _, list := range kind.lists(parent) {
					a := s.Ask("GET", list[0], nil)
					if a.Status == 404 {
						continue
					}
					if found, _ := a.Is(200).At(list[1]).([]any); len(found) > 0 {
						t.Errorf("%s, %s: %s has %d: %.200s", kind.name, when, list[0], len(found), a.Body)
					}
				}
			}
			gone("after the deletion")
			for _, place := range places {
				if place != "" {
					late++
				}
			}
			if kind.child(s, parent, 99) != "" {
				t.Errorf("%s: one was made after the deletion", kind.name)
			}
			if kind.anew != nil {
				kind.anew(s, parent)
				s.CaughtUp()
				gone("when the parent is there again")
			}
		}
		t.Logf("%s: %d of 60 were made before or during the deletion", kind.name, late)
	}
	o := engine.Options{Store: s.Store, Postgres: s.Pool.Config().ConnString(), Log: s.Log, Projections: projections.All()}
	c, err := engine.Verify(t.Context(), o, func(said string) { t.Error("rebuilt, it differs: ", said) }, nil)
	must(t, err)
	if c.Rows == 0 {
		t.Error("nothing was compared")
	}
}
