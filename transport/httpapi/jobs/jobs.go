package jobs

import (
	"errors"
	"math"
	"net/http"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// JobPath names a job.
type JobPath struct {
	JobID frame.AnyID `path:"jobId"`
}

func (a *api) job(c *frame.Call, in *JobPath) (queries.Job, error) {
	found, err := a.Queries.Job(c, in.JobID.UUID)
	c.Revision(found.Revision)
	return found, missing(err)
}

// missing says that there is no such job as the recorded server does.
func missing(err error) error {
	if errors.Is(err, commands.ErrNotFound) || errors.Is(err, queries.ErrNotFound) {
		return problem.New(http.StatusNotFound, problem.CodeNotFound, "Job not found")
	}
	return err
}

type jobsQuery struct {
	Limit  int         `query:"limit" default:"50" doc:"At most 1000."`
	Status string      `query:"status" doc:"Only jobs with this status; an unknown one leaves out none."`
	Before frame.Place `query:"before" doc:"Only jobs that were created before."`
	After  frame.Place `query:"after" doc:"Only jobs that were created after."`
}

// jobList is a page of jobs.
type jobList struct {
	Jobs     []queries.Job `json:"jobs"`
	Total    int           `json:"total" doc:"How many there are with the status, on all pages."`
	Filtered int           `json:"filtered" doc:"How many are on this page."`
	Next     string        `json:"next,omitempty" doc:"Where the page ended early: the before of the next one."`
}

func (a *api) jobs(c *frame.Call, in *jobsQuery) (list jobList, err error) {
	page, err := frame.Between(in.Limit, in.Before, in.After, c.PlacesOf(queries.AJob))
	if err != nil {
		return list, err
	}
	status := in.Status
	if !new(jobCounts).of(status, 0) {
		status = ""
	}
	found, total, err := a.Queries.Jobs(c, status, page)
	c.Total = total
	next := frame.NextOf(c, page, true, found, func(j queries.Job) uuid.UUID { return j.ID })
	return jobList{frame.List(found), total, len(found), next}, err
}

type jobCounts struct {
	Pending    int `json:"pending"`
	Processing int `json:"processing"`
	Completed  int `json:"completed"`
	Failed     int `json:"failed"`
	TimedOut   int `json:"timeout"`
	Cancelled  int `json:"cancelled"`
}

// of counts jobs with a status. It reports whether there is such a status.
func (n *jobCounts) of(status string, count int) (known bool) {
	of := map[string]*int{
		"pending": &n.Pending, events.JobProcessing: &n.Processing, events.JobCompleted: &n.Completed, events.JobFailed: &n.Failed, events.JobTimedOut: &n.TimedOut,
		events.JobCancelled: &n.Cancelled,
	}[status]
	if of != nil {
		*of = count
	}
	return of != nil
}

type jobMetrics struct {
	AverageProcessingTime float64 `json:"averageProcessingTimeMs" doc:"Of the jobs that were completed."`
	SuccessRate           float64 `json:"successRate" doc:"Rates are of the jobs that have ended: 0 to 1."`
	FailureRate           float64 `json:"failureRate"`
	TimeoutRate           float64 `json:"timeoutRate"`
}

type jobHealth struct {
	Healthy   bool           `json:"healthy"`
	Timestamp queries.Millis `json:"timestamp"`
	Total     int            `json:"totalJobs" doc:"At most maxJobs, the newest."`
	Counts    jobCounts      `json:"statusCounts"`
	Metrics   jobMetrics     `json:"metrics"`
	Max       int            `json:"maxJobs"`
}

func (a *api) health(c *frame.Call, _ *frame.Nothing) (h jobHealth, err error) {
	h = jobHealth{Healthy: true, Timestamp: queries.Millis(a.Clock().UnixMilli()), Max: maxJobs.Int()}
	counted, err := a.Queries.CountJobs(c, h.Max)
	for _, n := range counted {
		h.Counts.of(n.Status, n.Count)
		h.Total += n.Count
		if n.Status == events.JobCompleted {
			h.Metrics.AverageProcessingTime = math.Round(n.Average)
		}
	}
	if ended := h.Total - h.Counts.Processing; ended > 0 {
		rate := func(n int) float64 { return math.Round(100*float64(n)/float64(ended)) / 100 }
		h.Metrics.SuccessRate, h.Metrics.FailureRate, h.Metrics.TimeoutRate = rate(h.Counts.Completed), rate(h.Counts.Failed), rate(h.Counts.TimedOut)
	}
	return h, err
}

// cancelJob answers with the job as it is then: one that has ended before stays as it was.
func (a *api) cancelJob(c *frame.Call, in *JobPath) (queries.Job, error) {
	id := in.JobID.UUID
	r, err := frame.Run(c, commands.CancelJob{JobID: id})
	if err != nil {
		return queries.Job{}, missing(err)
	}
	if r.Changed {
		if err := a.abort(c, id); err != nil {
			return queries.Job{}, err
		}
	}
	c.Settle()
	return a.job(c, in)
}

// abort lets the agent leave off, if it has begun to answer.
func (a *api) abort(c *frame.Call, id uuid.UUID) error {
	job, err := commands.Load[commands.Job](c, a.Env, events.JobStream(id))
	if err != nil {
		return err
	}
	_, r, err := commands.AbortTurns(c, a.Env, c.Request(), commands.Unwanted{Channel: job.ChannelID, Message: job.MessageID, Agent: job.AgentID})
	if errors.Is(err, commands.ErrNotFound) { // the channel was deleted, or the message has not been posted
		return nil
	}
	return c.Wrote(r, err)
}
