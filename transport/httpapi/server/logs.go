package server

import (
	"cmp"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"annals/transport/httpapi/frame"
	"annals/transport/problem"
	"annals/transport/serverlog"
)

// defaultServerLogs is how many lines a list has by itself, as recorded.
const defaultServerLogs = 100

// ServerLogsQuery is what of the log is asked for.
type ServerLogsQuery struct {
	Since     frame.Moment `query:"since" doc:"Only what was logged since; an hour ago if not given."`
	Level     string       `query:"level" doc:"Exactly that level: fatal, error, warn, info, log, progress, success, debug, trace; all if not given."`
	AgentName string       `query:"agentName" doc:"all if not given."`
	AgentID   string       `query:"agentId" doc:"all if not given."`
	Limit     int          `query:"limit" doc:"At most 1000; 100 if not given."`
}

// serverLogsPost is the same with a body, which says nothing.
type serverLogsPost struct {
	ServerLogsQuery
	Body *json.RawMessage
}

type serverLogsAnswer struct {
	Logs           []json.RawMessage `json:"logs"`
	Count          int               `json:"count"`
	Total          int               `json:"total"`
	RequestedLevel string            `json:"requestedLevel"`
	AgentName      string            `json:"agentName"`
	AgentID        string            `json:"agentId"`
	Levels         []string          `json:"levels"`
}

func (a *api) serverLogs(_ *frame.Call, in *ServerLogsQuery) (serverLogsAnswer, error) {
	limit, err := frame.Bounded(cmp.Or(in.Limit, defaultServerLogs))
	if err != nil {
		return serverLogsAnswer{}, err
	}
	since := in.Since.Time
	if since.IsZero() {
		since = a.Clock().Add(-time.Hour)
	}
	level := strings.ToLower(cmp.Or(in.Level, serverlog.Everything))
	found, total := a.Lines.Find(serverlog.Search{
		Since: since.UnixMilli(), Level: level, AgentName: in.AgentName, AgentID: strings.ToLower(in.AgentID), Limit: limit,
	})
	lines := make([]json.RawMessage, len(found))
	for i, e := range found {
		lines[i] = e.JSON
	}
	return serverLogsAnswer{
		Logs: lines, Count: len(lines), Total: total, RequestedLevel: level, Levels: serverlog.Names(),
		AgentName: cmp.Or(in.AgentName, serverlog.Everything), AgentID: cmp.Or(in.AgentID, serverlog.Everything),
	}, nil
}

func (a *api) postServerLogs(c *frame.Call, in *serverLogsPost) (serverLogsAnswer, error) {
	return a.serverLogs(c, &in.ServerLogsQuery)
}

type cleared struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func (a *api) clearServerLogs(c *frame.Call, _ *frame.Nothing) (cleared, error) {
	if err := c.Here("clear the log"); err != nil {
		return cleared{}, err
	}
	a.Lines.Clear()
	return cleared{"success", "Logs cleared successfully"}, nil
}

type serverLogStream struct {
	Level       string `query:"level" doc:"That level and those above; all if not given."`
	AgentName   string `query:"agentName" doc:"all if not given."`
	Type        string `query:"type" doc:"Only entries with that type."`
	LastEventID string `header:"Last-Event-ID" doc:"The id of the last entry that the client has."`
}

// linesWaiting bounds the lines that wait to be sent; beyond it lines are left out, as their ids show.
const linesWaiting = 1024

// followServerLogs begins after the line that the client has, as far as it is kept, or with what is new.
func (a *api) followServerLogs(_ *frame.Call, in *serverLogStream) (frame.Following, func(), error) {
	filter := serverlog.Filter{AgentName: in.AgentName, Level: strings.ToLower(in.Level), Type: in.Type}
	lines := make(chan *serverlog.Entry, linesWaiting) // of pointers, since there may be many followers
	var last uint64
	if in.LastEventID != "" {
		var err error
		if last, err = strconv.ParseUint(in.LastEventID, 10, 64); err != nil {
			return nil, nil, problem.Invalid("Invalid Last-Event-ID: %.60q is no line of this log", in.LastEventID)
		}
	}
	stop := a.Lines.Watch(func(e serverlog.Entry) {
		select {
		case lines <- &e:
		default: // whoever logs does not wait for those who watch
		}
	})
	var missed []serverlog.Entry
	if in.LastEventID != "" {
		missed = a.Lines.Entries()
	}
	return func(ctx context.Context) ([]frame.Entry, error) {
		var out []frame.Entry
		take := func(e serverlog.Entry) {
			if e.Sequence > last {
				last = e.Sequence
				if filter.Fits(e) {
					out = append(out, frame.Entry{ID: strconv.FormatUint(e.Sequence, 10), Data: e.JSON})
				}
			}
		}
		for _, e := range missed {
			take(e)
		}
		missed = nil
		for len(out) == 0 {
			select {
			case e := <-lines:
				take(*e)
			case <-ctx.Done():
				return nil, nil
			}
		}
		return out, nil
	}, stop, nil
}
