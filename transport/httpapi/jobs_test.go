package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
)

const jobs = "/api/messaging/jobs"

// newJob asks an agent for something, and returns the path of the job and its channel.
func (s *fixture) newJob(agent string, more fields) (path, channel string) {
	s.T.Helper()
	body := fields{"agentId": agent, "userId": ann, "content": "hello job"}
	for k, v := range more {
		body[k] = v
	}
	path = jobs + "/" + s.Ask("POST", jobs, body).Is(201).Text("jobId")
	return path, s.Ask("GET", path, nil).Is(200).Text("channelId")
}

// replied has an agent answer in a channel, and the job end with the answer.
func (s *fixture) replied(path, channel, agent, text string) {
	s.T.Helper()
	reply := uuid.New()
	must(s.T, httpapitest.Do(s.Env, commands.SubmitMessage{
		MessageID: reply, ChannelID: uuid.MustParse(channel), AuthorID: uuid.MustParse(agent), Content: text, SourceType: "agent_response",
	}))
	must(s.T, httpapitest.Do(s.Env, commands.CompleteJob{JobID: idOf(path), AuthorID: uuid.MustParse(agent), ReplyID: reply}))
	s.CaughtUp()
}

// idOf is the id at the end of a path.
func idOf(path string) uuid.UUID { return uuid.MustParse(path[strings.LastIndexByte(path, '/')+1:]) }

func TestAJobIsAskedInAChannelOfItsOwnAndHasTheAnswer(t *testing.T) {
	t.Parallel()
	s, clock := serveAt(t)
	agent := s.newAgent("Worker")
	began := float64(clock.now().UnixMilli())
	made := s.Ask("POST", jobs, fields{"userId": ann, "content": "hello job", "metadata": fields{"k": 1, "username": "Ann"}, "timeoutMs": 3000}).Is(201)
	if made.Text("status") != events.JobProcessing || made.Field("createdAt") != began || made.Field("expiresAt") != began+3000 {
		t.Errorf("made: %s", made.Body)
	}
	path := jobs + "/" + made.Text("jobId")
	asked := s.Ask("GET", path, nil).Is(200)
	if asked.Text("agentId") != agent || asked.Text("prompt") != "hello job" || asked.Field("metadata.k") != 1.0 || asked.Text("status") != events.JobProcessing {
		t.Errorf("asked: %s", asked.Body)
	}
	channel := asked.Text("channelId")
	details := s.Ask("GET", "/api/messaging/channels/"+channel+"/details", nil).Is(200)
	if details.Text("name") != "job-"+made.Text("jobId") || details.Field("data.metadata.isJobChannel") != true || details.Field("data.metadata.k") != 1.0 {
		t.Errorf("its channel: %s", details.Body)
	}
	said := s.Ask("GET", "/api/messaging/channels/"+channel+"/messages", nil).Is(200)
	if said.Text("messages.0.sourceType") != "job_request" || said.Field("data.messages.0.metadata.jobId") != made.Text("jobId") {
		t.Errorf("its message: %s", said.Body)
	}
	clock.move(851 * time.Millisecond)
	s.replied(path, channel, agent, "the answer")
	answered := s.Ask("GET", path, nil).Is(200)
	if answered.Text("status") != events.JobCompleted || answered.Field("result.message.content") != "the answer" ||
		answered.Field("result.message.authorId") != agent || answered.Field("error") != nil {
		t.Errorf("answered: %s", answered.Body)
	}
	s.Ask("GET", jobs+"/99999999-9999-4999-8999-999999999999", nil).Refused(404, problem.CodeNotFound)
	s.Ask("DELETE", jobs+"/99999999-9999-4999-8999-999999999999", nil).Refused(404, problem.CodeNotFound)
}

func TestWhatMakesNoJobIsRefusedAsRecorded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.untouched(func() {
		s.Ask("POST", jobs, fields{"userId": ann, "content": "x"}).Refused(404, problem.CodeNotFound)
	})
	agent := s.newAgent("Strict")
	stopped := s.newAgent("Stopped")
	for _, method := range []string{"GET", "DELETE"} {
		if got := s.Ask(method, jobs+"/any-text", nil).Refused(404, problem.CodeNotFound); got.Field("error.message") != "Job not found" {
			t.Errorf("%s: %s", method, got.Body)
		}
	}
	s.Ask("POST", "/api/agents/"+stopped+"/stop", nil).Is(200)
	s.untouched(func() {
		for _, c := range []struct {
			body    fields
			message string
		}{
			{fields{"agentId": 1}, "agentId must be a valid UUID string"},
			{fields{"userId": nil}, "userId is required and must be a valid UUID string"},
			{fields{"content": nil}, "content is required and must be a string"},
			{fields{"content": 5}, "content is required and must be a string"},
			{fields{"content": " "}, "content cannot be empty"},
			{fields{"content": strings.Repeat("é", 50_001)}, "content exceeds maximum length of 50000 characters"},
			{fields{"metadata": "x"}, "metadata must be an object"},
			{fields{"metadata": fields{"a": strings.Repeat("x", 10_000)}}, "metadata exceeds maximum size of 10000 bytes"},
			{fields{"timeoutMs": "5000"}, "timeoutMs must be a positive number"},
			{fields{"timeoutMs": 0}, "timeoutMs must be a positive number"},
			{fields{"timeoutMs": 999}, "timeoutMs must be at least 1000ms"},
			{fields{"timeoutMs": 300_001}, "timeoutMs cannot exceed 300000ms"},
			{fields{"userId": "nope"}, "Invalid userId format (must be valid UUID)"},
			{fields{"agentId": "nope"}, "Invalid agentId format (must be valid UUID)"},
		} {
			body := fields{"agentId": agent, "userId": ann, "content": "x"}
			for k, v := range c.body {
				body[k] = v
			}
			if got := s.Ask("POST", jobs, body).Refused(400, problem.CodeInvalidRequest); got.Field("error.message") != c.message {
				t.Errorf("%v: %s", c.body, got.Body)
			}
		}
		got := s.Ask("POST", jobs, fields{"agentId": stopped, "userId": ann, "content": "x"}).Refused(404, problem.CodeNotFound)
		if got.Field("error.message") != "Agent "+stopped+" not found" {
			t.Errorf("%s", got.Body)
		}
	})
}

func TestJobsAreListedNewestFirstAndCountedByTheirStatus(t *testing.T) {
	t.Parallel()
	s, clock := serveAt(t)
	agent := s.newAgent("Busy")
	var paths []string
	for range 5 {
		path, channel := s.newJob(agent, nil)
		if len(paths)%2 == 0 {
			s.replied(path, channel, agent, "done")
		}
		paths = append(paths, path)
		clock.move(time.Second)
	}
	s.Ask("DELETE", paths[1], nil).Is(200)
	at := func(i int) string { return paths[i][len(jobs)+1:] }
	for query, want := range map[string][]int{
		"": {4, 3, 2, 1, 0}, "?limit=2": {4, 3}, "?limit=2&before=" + at(3): {2, 1}, "?status=completed": {4, 2, 0}, "?status=processing": {3},
		"?status=cancelled": {1}, "?status=x&limit=1": {4},
	} {
		listed := s.Ask("GET", jobs+query, nil).Is(200)
		var got []string
		for _, j := range listed.Field("jobs").([]any) {
			got = append(got, j.(fields)["jobId"].(string))
		}
		var ids []string
		for _, i := range want {
			ids = append(ids, at(i))
		}
		if strings.Join(got, " ") != strings.Join(ids, " ") || listed.Field("filtered") != float64(len(want)) {
			t.Errorf("%s: %s", query, listed.Body)
		}
	}
	health := s.Ask("GET", jobs+"/health", nil).Is(200)
	if health.Field("totalJobs") != 5.0 || health.Field("statusCounts.completed") != 3.0 || health.Field("statusCounts.cancelled") != 1.0 ||
		health.Field("metrics.successRate") != 0.75 || health.Field("maxJobs") != 10_000.0 {
		t.Errorf("health: %s", health.Body)
	}
}

func TestACancelledJobStaysCancelledAndItsTurnIsAborted(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Slow")
	path, channel := s.newJob(agent, nil)
	for range 2 {
		if cancelled := s.Ask("DELETE", path, nil).Is(200); cancelled.Text("status") != events.JobCancelled {
			t.Errorf("%s", cancelled.Body)
		}
	}
	s.replied(path, channel, agent, "too late")
	if late := s.Ask("GET", path, nil).Is(200); late.Text("status") != events.JobCancelled || late.Field("result") != nil {
		t.Errorf("%s", late.Body)
	}
	types := ""
	for _, e := range s.Ask("GET", "/api/history/events?channel="+channel+"&direction=forwards", nil).Is(200).Field("data.events").([]any) {
		types += " " + e.(fields)["type"].(string)
	}
	if want := " ChannelCreated JobCreated MessageSubmitted JobEnded TurnAborted MessageSubmitted"; types != want {
		t.Errorf("%s, not %s", types, want)
	}
	told := s.Ask("GET", "/api/history/jobs/"+path[len(jobs)+1:], nil).Is(200)
	if told.Field("data.state.status") != events.JobCancelled || told.Field("data.state.prompt") != "hello job" {
		t.Errorf("its story: %s", told.Body)
	}
}

func TestARepeatedJobIsTheSame(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Once")
	ask := func() answered {
		return s.Ask("POST", jobs, fields{"agentId": agent, "userId": ann, "content": "once"}, "Idempotency-Key", "k").Is(201)
	}
	first := ask()
	s.untouched(func() {
		if again := ask(); string(again.Body) != string(first.Body) {
			t.Errorf("%s, then %s", first.Body, again.Body)
		}
	})
}
