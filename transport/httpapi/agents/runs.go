package agents

import (
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

type runsQuery struct {
	frame.AgentPath
	RoomID string       `query:"roomId" doc:"A room of the agent."`
	Status string       `query:"status" doc:"started, completed, timeout, error or all; anything else leaves out none."`
	Limit  int          `query:"limit" default:"20" doc:"At most 100."`
	From   frame.Moment `query:"from" doc:"Only runs that began then or later."`
	To     frame.Moment `query:"to" doc:"Only runs that began then or before."`
	Before frame.Place  `query:"before" doc:"Only runs that began before."`
	After  frame.Place  `query:"after" doc:"Only runs that began after."`
}

// runList is a page of an agent's runs.
type runList struct {
	Runs    []queries.Run `json:"runs"`
	Total   int           `json:"total"`
	HasMore bool          `json:"hasMore"`
	Next    string        `json:"next,omitempty" doc:"Where the page ended early: the before of the next one."`
}

// maxRuns bounds a page, as recorded.
const maxRuns = 100

// runs are a stopped agent's as well: the facts are there.
func (a *api) runs(c *frame.Call, in *runsQuery) (all runList, err error) {
	if err := a.agentIs(c, in.AgentID.UUID); err != nil {
		return all, err
	}
	f := queries.RunFilter{From: in.From.Time, To: in.To.Time}
	if slices.Contains([]string{queries.RunStarted, queries.RunCompleted, queries.RunFailed, "timeout"}, in.Status) {
		f.Status = in.Status
	}
	if !f.To.IsZero() {
		f.To = f.To.Add(time.Millisecond - time.Microsecond) // clients know no less
	}
	if in.RoomID != "" {
		if f.Room, err = events.ParseID(in.RoomID); err != nil {
			return all, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid room ID format")
		}
	}
	page, err := frame.Between(min(in.Limit, maxRuns), in.Before, in.After, c.PlacesOf(queries.ARun))
	if err != nil {
		return all, err
	}
	found, total, err := a.Queries.Runs(c, in.AgentID.UUID, f, page)
	c.Total = total
	next := frame.NextOf(c, page, true, found, func(r queries.Run) uuid.UUID { return r.ID })
	return runList{frame.List(found), total, len(found) == page.Limit && total > len(found), next}, err
}

type runPath struct {
	frame.AgentPath
	RunID frame.ID `path:"runId"`
}

// runDetail is a run, and what happened in it.
type runDetail struct {
	Summary queries.Run        `json:"summary"`
	Events  []queries.RunEvent `json:"events"`
}

func (a *api) run(c *frame.Call, in *runPath) (detail runDetail, err error) {
	if err := a.agentIs(c, in.AgentID.UUID); err != nil {
		return detail, err
	}
	if detail.Summary, err = a.Queries.Run(c, in.AgentID.UUID, in.RunID.UUID); err != nil {
		return detail, err
	}
	entries, err := a.Queries.LogsOf(c, in.RunID.UUID)
	detail.Events = detail.Summary.Events(entries)
	return detail, err
}
