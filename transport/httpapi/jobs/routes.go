// Package jobs is the part of the REST API by which clients of ElizaOS 1.7.2 ask an agent for one answer, and come back for it.
package jobs

import (
	"annals/commands"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/talk"
	"annals/transport/limits"
)

// Ports is what jobs need besides the frame.
type Ports struct{ Talk Talk }

// Talk posts messages, see messaging.Posting.
type Talk interface {
	Post(c *frame.Call, m commands.SubmitMessage, way talk.Transport) (talk.Posted, error)
}

// api is the frame with these.
type api struct {
	*frame.API
	Ports

	open limits.Occupied
}

var maxJobs = limits.Declare(limits.Bound{
	Name: "jobs", What: "jobs that are processed", Per: limits.Server, Value: 10_000, Unit: limits.Count, Answer: "429 RATE_LIMITED",
})

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	a := &api{API: f, Ports: p}
	a.Examples(examples...)
	frame.Get(a.API, "/api/messaging/jobs", "List the jobs, newest first", a.jobs, frame.Bare)
	frame.Post(a.API, "/api/messaging/jobs", "Ask an agent for one answer, without waiting for it", a.createJob, frame.Created, frame.Bare, frame.Takes(`{"agentId":"{agent}","userId":"{user}","content":"I feel at home here.","metadata":{"platform":"web"},"timeoutMs":60000}`))
	frame.Get(a.API, "/api/messaging/jobs/health", "Count the newest jobs by what became of them", a.health, frame.Bare)
	frame.Get(a.API, "/api/messaging/jobs/:jobId", "Show a job, and its answer", a.job, frame.Bare)
	frame.Remove(a.API, "/api/messaging/jobs/:jobId", "Cancel a job that is processed", a.cancelJob, frame.Bare)
}
