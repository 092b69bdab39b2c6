package jobs

import (
	"encoding/json"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/example"
)

var (
	aJob = queries.Job{
		ID: events.JobIn(example.Channel), Status: events.JobCompleted, AgentID: example.Agent, UserID: example.User, ChannelID: example.Channel,
		Prompt: "I feel at home here.", CreatedAt: example.Millis, ExpiresAt: example.Millis + 60_000, Metadata: json.RawMessage(`{"platform":"web"}`),
		Result: &queries.JobResult{
			Message: queries.JobMessage{
				ID: example.Reply, Content: "Do you often feel at home?", AuthorID: example.Agent, CreatedAt: example.Millis + 851,
				Metadata: json.RawMessage(`{"agentName":"Eliza"}`),
			},
			ProcessingTime: 851,
		},
	}
	aMadeJob = madeJob{aJob.ID, events.JobProcessing, aJob.CreatedAt, aJob.ExpiresAt}
	aHealth  = jobHealth{
		Healthy: true, Timestamp: example.Millis, Total: 2, Counts: jobCounts{Completed: 1, Processing: 1},
		Metrics: jobMetrics{AverageProcessingTime: 851, SuccessRate: 1}, Max: maxJobs.Int(),
	}
)

// examples are answers as the operations give them.
var examples = []any{aJob, jobList{Jobs: []queries.Job{aJob}, Total: 1, Filtered: 1}, aMadeJob, aHealth}
