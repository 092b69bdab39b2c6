package jobs

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/talk"
	"annals/transport/problem"
)

type newJob struct {
	Body struct {
		UserID   json.RawMessage `json:"userId"`
		AgentID  json.RawMessage `json:"agentId" doc:"The first agent that runs, if not given."`
		Content  json.RawMessage `json:"content" doc:"A text of at most 50000 characters."`
		Metadata json.RawMessage `json:"metadata" doc:"An object of at most 10000 bytes."`
		Timeout  json.RawMessage `json:"timeoutMs" doc:"1000 to 300000; 30000 if not given."`
	}
}

// madeJob is a job as its creation is answered.
type madeJob struct {
	ID        uuid.UUID      `json:"jobId"`
	Status    string         `json:"status"`
	CreatedAt queries.Millis `json:"createdAt"`
	ExpiresAt queries.Millis `json:"expiresAt"`
}

// Bounds of a job (CONTRACT-1.7 6.1).
const (
	maxContent     = 50_000 // characters
	maxMetadata    = 10_000 // bytes
	leastTimeout   = 1_000  // milliseconds, as the next two
	mostTimeout    = 300_000
	defaultTimeout = 30_000
)

func (a *api) createJob(c *frame.Call, in *newJob) (made madeJob, err error) {
	w, err := wishOf(in)
	if err != nil {
		return made, err
	}
	if err := a.admit(c, &w); err != nil {
		return made, err
	}
	cmd := commands.CreateJob{
		ChannelID: c.NewID("channel"), MessageID: c.NewID("message"), AgentID: w.agent, UserID: w.user, Metadata: w.metadata, Timeout: w.timeout,
	}
	channel, err := channelOf(cmd)
	if err != nil {
		return made, err
	}
	message, err := messageOf(cmd, w.content)
	if err != nil {
		return made, err
	}
	r, err := commands.HandleBoth(c, a.Env, c.Request(), channel, cmd)
	if err := c.Wrote(r, err); err != nil {
		return made, err
	}
	a.open.Taken()
	if _, err := a.Talk.Post(c, message, talk.OverSocket); err != nil {
		return made, err
	}
	job, err := commands.Load[commands.Job](c, a.Env, cmd.Stream())
	return madeJob{
		events.JobIn(cmd.ChannelID), job.Status, queries.Millis(job.CreatedAt.UnixMilli()), queries.Millis(job.ExpiresAt.UnixMilli()),
	}, err
}

// admit finds the agent of a job that names none, and refuses what no agent can answer, or one job too many.
func (a *api) admit(c *frame.Call, w *wish) (err error) {
	if w.agent == uuid.Nil {
		if w.agent, err = a.Queries.AnyRunning(c); frame.Missing(err) {
			err = problem.New(http.StatusNotFound, problem.CodeNotFound, "No agents available on server")
		}
		if err != nil {
			return err
		}
	}
	known, err := a.Env.States.Agent(c, w.agent)
	if err != nil {
		return err
	}
	if !known.Running {
		return problem.New(http.StatusNotFound, problem.CodeNotFound, "Agent %s not found", w.agent)
	}
	full, err := a.open.Full(a.Clock(), maxJobs.Int(), func() (int, error) { return a.Queries.OpenJobs(c, maxJobs.Int()) })
	if err == nil && full {
		err = problem.New(http.StatusTooManyRequests, problem.CodeRateLimited, "%d jobs are processed. Try again when one has ended.", maxJobs.Int())
	}
	return err
}

// wish is what a body asks for.
type wish struct {
	user, agent uuid.UUID
	content     string
	metadata    json.RawMessage
	timeout     time.Duration
}

// wishOf reads a body, and refuses what is wrong in the words and in the order of the recorded server.
func wishOf(in *newJob) (w wish, err error) {
	b := in.Body
	agent, user := "", ""
	if given := frame.Given(b.AgentID); given != nil && json.Unmarshal(given, &agent) != nil {
		return w, problem.Invalid("agentId must be a valid UUID string")
	}
	if json.Unmarshal(b.UserID, &user) != nil || user == "" {
		return w, problem.Invalid("userId is required and must be a valid UUID string")
	}
	if frame.Given(b.Content) == nil || json.Unmarshal(b.Content, &w.content) != nil {
		return w, problem.Invalid("content is required and must be a string")
	}
	w.metadata = frame.Given(b.Metadata)
	switch {
	case strings.TrimSpace(w.content) == "":
		return w, problem.Invalid("content cannot be empty")
	case utf8.RuneCountInString(w.content) > maxContent:
		return w, problem.Invalid("content exceeds maximum length of 50000 characters")
	case w.metadata != nil && w.metadata[0] != '{':
		return w, problem.Invalid("metadata must be an object")
	case len(w.metadata) > maxMetadata:
		return w, problem.Invalid("metadata exceeds maximum size of 10000 bytes")
	}
	if w.timeout, err = timeoutOf(frame.Given(b.Timeout)); err != nil {
		return w, err
	}
	if w.user, err = events.ParseID(user); err != nil {
		return w, problem.Invalid("Invalid userId format (must be valid UUID)")
	}
	if agent != "" {
		if w.agent, err = events.ParseID(agent); err != nil {
			return w, problem.Invalid("Invalid agentId format (must be valid UUID)")
		}
	}
	return w, nil
}

func timeoutOf(given json.RawMessage) (time.Duration, error) {
	millis := float64(defaultTimeout)
	if given != nil {
		if json.Unmarshal(given, &millis) != nil || millis <= 0 {
			return 0, problem.Invalid("timeoutMs must be a positive number")
		}
	}
	switch {
	case millis < leastTimeout:
		return 0, problem.Invalid("timeoutMs must be at least 1000ms")
	case millis > mostTimeout:
		return 0, problem.Invalid("timeoutMs cannot exceed 300000ms")
	}
	return time.Duration(math.Trunc(millis)) * time.Millisecond, nil
}

// channelOf is the channel of a job. What the client says of its user is sealed for the user.
func channelOf(j commands.CreateJob) (commands.CreateChannel, error) {
	id := events.JobIn(j.ChannelID)
	metadata, err := json.Marshal(map[string]any{"jobId": id, "agentId": j.AgentID, "userId": j.UserID, "isJobChannel": true})
	opener := uuid.Nil
	if j.Metadata != nil {
		opener = j.UserID
	}
	return commands.CreateChannel{
		ChannelID: j.ChannelID, ServerID: events.DefaultServer, Name: "job-" + id.String(), Type: "DM", Metadata: metadata,
		Participants: []uuid.UUID{j.AgentID, j.UserID}, OpenedBy: opener, Opening: j.Metadata,
	}, err
}

// messageOf is the message that asks the agent.
func messageOf(j commands.CreateJob, content string) (commands.SubmitMessage, error) {
	metadata := frame.Object(j.Metadata).Fields()
	if metadata == nil {
		metadata = map[string]json.RawMessage{}
	}
	name := frame.TextIn(metadata, "user_display_name", "username")
	metadata["jobId"], _ = json.Marshal(events.JobIn(j.ChannelID)) // an id always can be
	metadata["isJobMessage"] = json.RawMessage("true")
	raw, err := json.Marshal(metadata)
	return commands.SubmitMessage{
		MessageID: j.MessageID, ChannelID: j.ChannelID, ServerID: events.DefaultServer, AuthorID: j.UserID, AuthorName: name,
		Content: content, Metadata: raw, SourceType: "job_request",
	}, err
}
