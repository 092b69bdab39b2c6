package socketio

import (
	"context"
	"maps"

	"annals/transport/serverlog"
)

// logsWaiting bounds the lines that wait to be sent; beyond it lines are left out.
const logsWaiting = 1024

// logged is a line on its way to those who watch the log, or something that is to be said behind the lines before it.
type logged struct {
	entry serverlog.Entry
	then  func()
}

func (h *Hub) logged(e serverlog.Entry) {
	select {
	case h.logs <- logged{entry: e}:
	default: // whoever logs does not wait for those who watch
	}
}

// afterLogs says something when the lines until now are said.
func (e *event) afterLogs(ctx context.Context, name string, payload any) {
	then := func() {
		e.tell(name, payload)
		e.acknowledge(payload)
	}
	select {
	case e.hub.logs <- logged{then: then}:
	case <-ctx.Done():
	}
}

type logEntry struct {
	Type    string `json:"type"`
	Payload any    `json:"payload"`
}

func (h *Hub) streamLogs() {
	for {
		var l logged
		select {
		case <-h.ctx.Done():
			return
		case l = <-h.logs:
		}
		if l.then != nil {
			l.then()
			continue
		}
		if to := h.watchers(l.entry); len(to) > 0 {
			f := h.frame("log_stream", logEntry{"log_entry", l.entry.JSON})
			for _, c := range to {
				c.Write(f)
			}
		}
	}
}

func (h *Hub) watchers(e serverlog.Entry) (to []*connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, f := range h.watching {
		if f.Fits(e) {
			to = append(to, c)
		}
	}
	return to
}

type logSubscription struct {
	Subscribed bool   `json:"subscribed"`
	Message    string `json:"message"`
}

func (e *event) subscribeLogs(ctx context.Context) {
	e.hub.mu.Lock()
	if !e.left {
		e.hub.watching[e.connection] = &serverlog.Filter{}
	}
	e.hub.mu.Unlock()
	e.log("Client subscribed to log stream")
	e.afterLogs(ctx, "log_subscription_confirmed", logSubscription{true, "Successfully subscribed to log stream"})
}

func (e *event) unsubscribeLogs(ctx context.Context) {
	e.hub.mu.Lock()
	delete(e.hub.watching, e.connection)
	e.hub.mu.Unlock()
	e.afterLogs(ctx, "log_subscription_confirmed", logSubscription{false, "Successfully unsubscribed from log stream"})
}

type filtersUpdated struct {
	Success bool           `json:"success"`
	Filters map[string]any `json:"filters,omitzero"`
	Error   string         `json:"error,omitempty"`
}

// filterLogs changes what is named of the filter, and answers with all of it, beside whatever else the client named.
func (e *event) filterLogs(ctx context.Context) {
	wanted, _ := e.payload.(map[string]any)
	e.hub.mu.Lock()
	f := e.hub.watching[e.connection]
	if f == nil {
		e.hub.mu.Unlock()
		e.afterLogs(ctx, "log_filters_updated", filtersUpdated{Error: "Not subscribed to log stream"})
		return
	}
	now := map[string]any{}
	for key, part := range map[string]*string{"agentName": &f.AgentName, "level": &f.Level} {
		if value, ok := wanted[key]; ok {
			*part = text(value)
		}
		if *part != "" {
			now[key] = *part
		}
	}
	e.hub.mu.Unlock()
	maps.Copy(now, wanted)
	e.log("Updated log filters")
	e.afterLogs(ctx, "log_filters_updated", filtersUpdated{Success: true, Filters: now})
}
