package main

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
)

// newJob asks an agent for something in the name of a user, and returns the path of the job.
func (c *client) newJob(t testing.TB, agent string, timeout time.Duration) string {
	t.Helper()
	var made struct{ JobID string }
	body := map[string]any{"agentId": agent, "userId": somebody, "content": "I feel at home here.", "timeoutMs": timeout.Milliseconds()}
	if err := c.must(t, http.StatusCreated, http.MethodPost, "/api/messaging/jobs", body).data(&made); err != nil {
		t.Fatal(err)
	}
	return "/api/messaging/jobs/" + made.JobID
}

// jobThen waits until a job has ended, and returns its status and its answer.
func (c *client) jobThen(t testing.TB, job string) (status, answer string) {
	t.Helper()
	var is struct {
		Status string
		Result struct{ Message struct{ Content string } }
	}
	eventually(t, time.Minute, "the job has ended", func() bool {
		if err := c.must(t, http.StatusOK, http.MethodGet, job, nil).data(&is); err != nil {
			t.Fatal(err)
		}
		return is.Status != "processing"
	})
	return is.Status, is.Result.Message.Content
}

func TestAJobIsCompletedByItsAgentAndTimesOutWithoutOne(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := inside(t, nil, func(o *node.Options) {
		o.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	agent := s.runningAgent(t, "Working Agent")
	done := s.newJob(t, agent, 5*time.Minute)
	if status, answer := s.jobThen(t, done); status != "completed" || answer == "" {
		t.Errorf("%s: %q", status, answer)
	}
	other := s.runningAgent(t, "Stopped Agent")
	failed := s.newJob(t, other, 5*time.Minute)
	s.must(t, http.StatusOK, http.MethodPost, "/api/agents/"+other+"/stop", nil)
	if status, _ := s.jobThen(t, failed); status != "failed" && status != "completed" { // it may have been faster
		t.Errorf("the agent was stopped: %s", status)
	}
	eventually(t, time.Minute, "the job's story is whole", func() bool { // the history is a read model of its own
		told := string(s.must(t, http.StatusOK, http.MethodGet, "/api/history/jobs/"+path.Base(done), nil).body)
		return !slices.ContainsFunc([]string{"JobCreated", "MessageSubmitted", "JobEnded"}, func(what string) bool { return !strings.Contains(told, what) })
	})
}

// A job that is processed when its node is killed ends on the next one, once and truthfully.
func TestAJobOutlivesItsNode(t *testing.T) {
	t.Parallel()
	n := startNodes(t, 2, pgtest.New(t))
	agent := n.node(0).runningAgent(t, "Durable Worker")
	all := make([]string, 8)
	for i := range all {
		all[i] = n.node(0).newJob(t, agent, 5*time.Minute)
	}
	n.kill(0)
	for _, job := range all {
		if status, answer := n.node(1).jobThen(t, job); status != "completed" || answer == "" {
			t.Errorf("%s: %s %q", job, status, answer)
		}
		ends := 0
		eventually(t, time.Minute, "its story has an end", func() bool { // the history is a read model of its own
			told := n.node(1).must(t, http.StatusOK, http.MethodGet, "/api/history/jobs/"+path.Base(job), nil).body
			ends = strings.Count(string(told), `"type":"JobEnded"`)
			return ends > 0
		})
		if ends != 1 {
			t.Errorf("%s ended %d times", job, ends)
		}
	}
}
