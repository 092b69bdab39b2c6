package main

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

// openSession opens a session of a user with an agent, and returns its path.
func (c *client) openSession(t testing.TB, agent string, metadata map[string]any) string {
	t.Helper()
	var made struct{ SessionID string }
	body := map[string]any{"agentId": agent, "userId": somebody, "metadata": metadata}
	if err := c.must(t, http.StatusCreated, http.MethodPost, "/api/messaging/sessions", body).data(&made); err != nil {
		t.Fatal(err)
	}
	return "/api/messaging/sessions/" + made.SessionID
}

// ends counts the events that ended a session.
func (c *client) ends(t testing.TB, session string) int {
	t.Helper()
	told := c.must(t, http.StatusOK, http.MethodGet, "/api/history/sessions/"+path.Base(session), nil)
	return strings.Count(string(told.body), `"type":"SessionExpired"`)
}

func TestSessionsEndByThemselvesWhenTheClockSaysSo(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := inside(t, nil, func(o *node.Options) {
		o.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	agent := s.runningAgent(t, "Timed Agent")
	open := make([]string, 20)
	for i := range open {
		open[i] = s.openSession(t, agent, nil)
	}
	ahead.Store(int64(29 * time.Minute))
	s.must(t, http.StatusOK, http.MethodPost, open[0]+"/heartbeat", nil)
	ahead.Store(int64(31 * time.Minute))
	began := time.Now()
	for _, session := range open[1:] {
		s.must(t, http.StatusGone, http.MethodPost, session+"/heartbeat", nil)
	}
	eventually(t, time.Minute, "every end is recorded", func() bool {
		for _, session := range open[1:] {
			if s.ends(t, session) == 0 {
				return false
			}
		}
		return true
	})
	t.Logf("%d ends were recorded within %v", len(open)-1, time.Since(began))
	s.must(t, http.StatusOK, http.MethodGet, open[0], nil)
	if n := s.ends(t, open[0]); n != 0 {
		t.Errorf("a session that was used has ended %d times", n)
	}
}

// The clock of a process cannot be moved: that two nodes record one end is seen in commands.ExpireSession, which is idempotent.
func TestSessionsOutliveTheirNodeAndGoOnOnTwo(t *testing.T) {
	t.Parallel()
	n := startNodes(t, 2, pgtest.New(t))
	agent := n.node(0).runningAgent(t, "Durable Agent")
	session := n.node(0).openSession(t, agent, nil)
	a := n.node(0).must(t, http.StatusCreated, http.MethodPost, session+"/messages", map[string]any{"content": "before"}, "Idempotency-Key", "first")
	n.kill(0)
	again := n.node(1).must(t, http.StatusCreated, http.MethodPost, session+"/messages", map[string]any{"content": "before"}, "Idempotency-Key", "first")
	var first, second struct{ UserMessage struct{ ID string } }
	if a.data(&first) != nil || again.data(&second) != nil || first.UserMessage.ID == "" || first.UserMessage.ID != second.UserMessage.ID {
		t.Errorf("the repeated message is another one: %s %s", a.body, again.body)
	}
	n.start(0)
	var goesOn sync.WaitGroup
	for i := range 2 {
		goesOn.Go(func() {
			for j := range 5 {
				got, err := n.node(i).call(t.Context(), http.MethodPost, session+"/messages", map[string]any{"content": fmt.Sprintf("from %d: %d", i, j)})
				if err != nil || got.status != http.StatusCreated {
					t.Errorf("node %d: %v %d %s", i, err, got.status, got.body)
				}
			}
		})
	}
	goesOn.Wait()
	eventually(t, time.Minute, "each message of the session has its answer", func() bool {
		var said struct {
			Messages []struct{ IsAgent bool }
		}
		if err := n.node(0).must(t, http.StatusOK, http.MethodGet, session+"/messages?limit=100", nil).data(&said); err != nil {
			t.Fatal(err)
		}
		answers := 0
		for _, m := range said.Messages {
			if m.IsAgent {
				answers++
			}
		}
		return len(said.Messages) == 22 && answers == 11
	})
	var now struct{ RenewalCount int }
	if err := n.node(1).must(t, http.StatusOK, http.MethodPost, session+"/heartbeat", nil).data(&now); err != nil || now.RenewalCount != 12 {
		t.Errorf("the session was used %d times, not 12: %v", now.RenewalCount, err)
	}
}
