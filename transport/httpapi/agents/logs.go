package agents

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
	"annals/transport/serverlog"
)

// defaultLogs is how many entries a list of an agent's log has by itself, as recorded.
const defaultLogs = 10

// maxExcluded bounds how many types a list may leave out.
const maxExcluded = 100

// AgentLogs tells whoever follows an agent's log that there is something new: woken has room for one.
type AgentLogs interface {
	Watch(agent uuid.UUID) (woken <-chan struct{}, stop func())
}

// LogFilterQuery narrows an agent's log.
type LogFilterQuery struct {
	RoomID       string   `query:"roomId" doc:"A room of the agent."`
	Type         string   `query:"type" doc:"Such as action, error, useModel:TEXT_LARGE."`
	ExcludeTypes []string `query:"excludeTypes,explode" doc:"Types, or parts of a model's kind, that are left out; repeated, or separated by commas."`
	Level        string   `query:"level" doc:"error: errors alone."`
}

func (q LogFilterQuery) filter() (queries.LogFilter, error) {
	f := queries.LogFilter{Type: q.Type, Failed: serverlog.Levels[strings.ToLower(q.Level)] > serverlog.Levels["info"]}
	if q.RoomID != "" {
		room, err := events.ParseID(q.RoomID)
		if err != nil {
			return f, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid room ID format")
		}
		f.Room = room
	}
	for _, some := range q.ExcludeTypes {
		for one := range strings.SplitSeq(some, ",") {
			if one = strings.TrimSpace(one); one != "" {
				f.Excluded = append(f.Excluded, one)
			}
		}
	}
	if len(f.Excluded) > maxExcluded {
		return f, problem.Invalid("Invalid excludeTypes: more than %d", maxExcluded)
	}
	return f, nil
}

type agentLogsQuery struct {
	frame.AgentPath
	LogFilterQuery
	Count  int `query:"count" doc:"At most 1000; 10 if not given."`
	Limit  int `query:"limit" doc:"The same as count."`
	Offset int `query:"offset"`
}

// agentLogs is a stopped agent's log as well: the facts are there.
func (a *api) agentLogs(c *frame.Call, in *agentLogsQuery) ([]queries.Log, error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	count := defaultLogs
	switch {
	case c.Query("count") != "":
		count = in.Count
	case c.Query("limit") != "":
		count = in.Limit
	}
	if count, err = frame.Bounded(count); err != nil {
		return nil, err
	}
	if in.Offset < 0 {
		return nil, problem.Invalid("Invalid offset: %d is negative", in.Offset)
	}
	if err := a.agentIs(c, in.AgentID.UUID); err != nil {
		return nil, err
	}
	found, err := a.Queries.Logs(c, in.AgentID.UUID, filter, count, in.Offset)
	c.Next("offset", strconv.Itoa(in.Offset+len(found)))
	return frame.List(found), err
}

// agentIs looks whether there is such an agent, running or not.
func (a *api) agentIs(c *frame.Call, id uuid.UUID) error {
	agent, err := a.Env.States.Agent(c, id)
	if err == nil && !agent.Exists {
		return problem.New(http.StatusNotFound, problem.CodeNotFound, "Agent %s not found", id)
	}
	return err
}

type agentLogPath struct {
	frame.AgentPath
	LogID frame.ID `path:"logId"`
}

// deleteAgentLog is 204 for an entry that is not there, as recorded.
func (a *api) deleteAgentLog(c *frame.Call, in *agentLogPath) (frame.None, error) {
	if err := c.Here("remove entries of logs"); err != nil {
		return frame.None{}, err
	}
	if err := a.agentIs(c, in.AgentID.UUID); err != nil {
		return frame.None{}, err
	}
	_, err := a.Queries.Log(c, in.AgentID.UUID, in.LogID.UUID)
	if frame.Missing(err) {
		return frame.None{}, nil
	}
	if err == nil {
		_, err = frame.Run(c, commands.DeleteLog{LogID: in.LogID.UUID, AgentID: in.AgentID.UUID})
	}
	return frame.None{}, err
}

type agentLogStream struct {
	frame.AgentPath
	LogFilterQuery
	AgentName   string `query:"agentName" doc:"Only while the agent bears that name; all: whatever its name."`
	LastEventID string `header:"Last-Event-ID" doc:"The id of the last entry that the client has."`
}

// followAgentLogs begins after the entry that the client has, or with what is new.
func (a *api) followAgentLogs(c *frame.Call, in *agentLogStream) (frame.Following, func(), error) {
	agent := in.AgentID.UUID
	filter, err := in.filter()
	if err != nil {
		return nil, nil, err
	}
	if err := a.agentIs(c, agent); err != nil {
		return nil, nil, err
	}
	woken, stop := a.Logs.Watch(agent)
	if filter.After, err = a.logsFrom(c, agent, in.LastEventID); err != nil {
		stop()
		return nil, nil, err
	}
	return func(ctx context.Context) ([]frame.Entry, error) {
		for {
			found, err := a.Queries.LogsAfter(ctx, agent, filter, queries.MaxLimit)
			if err != nil {
				return nil, err
			}
			if n := len(found); n > 0 {
				filter.After = found[n-1].Position
			}
			if entries, err := a.logEntries(ctx, agent, in.AgentName, found); len(entries) > 0 || err != nil {
				return entries, err
			}
			select {
			case <-woken:
			case <-ctx.Done():
				return nil, nil
			}
		}
	}, stop, nil
}

// logsFrom is the position after which a client follows a log.
func (a *api) logsFrom(c *frame.Call, agent uuid.UUID, lastEvent string) (events.Position, error) {
	if lastEvent == "" {
		newest, err := a.Queries.Logs(c, agent, queries.LogFilter{}, 1, 0)
		if err != nil || len(newest) == 0 {
			return 0, err
		}
		return newest[0].Position, nil
	}
	t, err := events.ParseToken(lastEvent)
	if err != nil || t.Log != a.Log {
		return 0, problem.Invalid("Invalid Last-Event-ID: %.60q is no entry of this log", lastEvent)
	}
	return t.Position, nil
}

// logEntries are entries as they are sent, none while the agent bears another name than the one wanted.
func (a *api) logEntries(ctx context.Context, agent uuid.UUID, name string, found []queries.Log) ([]frame.Entry, error) {
	if len(found) > 0 && name != "" && name != serverlog.Everything {
		is, err := a.Env.States.Agent(ctx, agent)
		if err != nil || is.Character.Name != name {
			return nil, err
		}
	}
	out := make([]frame.Entry, len(found))
	for i, l := range found {
		data, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		out[i] = frame.Entry{ID: a.TokenOf(l.Position), Data: data}
	}
	return out, nil
}

// panel is a page of a plug-in about an agent.
type panel struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// panels are those of the plug-ins' routes, of which there are none. As its agent, a plug-in needs it running.
func (a *api) panels(c *frame.Call, in *frame.AgentPath) ([]panel, error) {
	return []panel{}, c.Runs(in.AgentID.UUID)
}
