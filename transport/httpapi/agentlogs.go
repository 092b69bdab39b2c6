package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
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
	AgentPath
	LogFilterQuery
	Count  int `query:"count" doc:"At most 1000; 10 if not given."`
	Limit  int `query:"limit" doc:"The same as count."`
	Offset int `query:"offset"`
}

// agentLogs is a stopped agent's log as well: the facts are there.
func (a *agentsAPI) agentLogs(c *call, in *agentLogsQuery) ([]queries.Log, error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	count := defaultLogs
	switch {
	case c.query("count") != "":
		count = in.Count
	case c.query("limit") != "":
		count = in.Limit
	}
	if count, err = bounded(count); err != nil {
		return nil, err
	}
	if in.Offset < 0 {
		return nil, problem.Invalid("Invalid offset: %d is negative", in.Offset)
	}
	if err := a.agentIs(c, in.AgentID.UUID); err != nil {
		return nil, err
	}
	found, err := a.Queries.Logs(c, in.AgentID.UUID, filter, count, in.Offset)
	return list(found), err
}

// agentIs looks whether there is such an agent, running or not.
func (a *agentsAPI) agentIs(c *call, id uuid.UUID) error {
	agent, err := a.Env.States.Agent(c, id)
	if err == nil && !agent.Exists {
		return problem.New(http.StatusNotFound, problem.CodeNotFound, "Agent %s not found", id)
	}
	return err
}

type agentLogPath struct {
	AgentPath
	LogID id `path:"logId"`
}

// deleteAgentLog is 204 for an entry that is not there, as recorded.
func (a *agentsAPI) deleteAgentLog(c *call, in *agentLogPath) (none, error) {
	if err := a.agentIs(c, in.AgentID.UUID); err != nil {
		return none{}, err
	}
	_, err := a.Queries.Log(c, in.AgentID.UUID, in.LogID.UUID)
	if missing(err) {
		return none{}, nil
	}
	if err == nil {
		_, err = run(c, commands.DeleteLog{LogID: in.LogID.UUID, AgentID: in.AgentID.UUID})
	}
	return none{}, err
}

type agentLogStream struct {
	AgentPath
	LogFilterQuery
	AgentName   string `query:"agentName" doc:"Only while the agent bears that name; all: whatever its name."`
	LastEventID string `header:"Last-Event-ID" doc:"The id of the last entry that the client has."`
}

// followAgentLogs begins after the entry that the client has, or with what is new.
func (a *agentsAPI) followAgentLogs(c *call, in *agentLogStream) (following, func(), error) {
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
	return func(ctx context.Context) ([]entry, error) {
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
func (a *agentsAPI) logsFrom(c *call, agent uuid.UUID, lastEvent string) (events.Position, error) {
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
func (a *agentsAPI) logEntries(ctx context.Context, agent uuid.UUID, name string, found []queries.Log) ([]entry, error) {
	if len(found) > 0 && name != "" && name != serverlog.Everything {
		is, err := a.Env.States.Agent(ctx, agent)
		if err != nil || is.Character.Name != name {
			return nil, err
		}
	}
	out := make([]entry, len(found))
	for i, l := range found {
		data, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		out[i] = entry{events.Token{Log: a.Log, Position: l.Position}.String(), data}
	}
	return out, nil
}

// panel is a page of a plug-in about an agent.
type panel struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// panels are those of the plug-ins' routes, of which there are none. As its agent, a plug-in needs it running.
func (a *agentsAPI) panels(c *call, in *AgentPath) ([]panel, error) {
	return []panel{}, c.runs(in.AgentID.UUID)
}
