package server

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// Health is how the server's dependencies are: an empty text for one that is well, otherwise what is wrong with it, in words
// that may be shown to whoever has the key.
type Health struct {
	Dependencies map[string]string
	Projections  []ProjectionHealth
	Embedding    *EmbeddingHealth // nil where it could not be looked at
}

// EmbeddingHealth is what memories are embedded with, and what has yet to be: a change of the model is no illness, but those
// that another has embedded are not found by their meaning.
type EmbeddingHealth struct {
	Model      string                `json:"model"`
	Dimensions int                   `json:"dimensions,omitempty"`
	Pending    int                   `json:"pending" doc:"Memories without a vector."`
	Others     []queries.VectorCount `json:"others,omitempty" doc:"Memories with vectors of another model."`
	Remedy     string                `json:"remedy,omitempty"`
}

// ProjectionHealth is how far a read model is.
type ProjectionHealth struct {
	Name       string `json:"name"`
	Group      string `json:"group"`
	Version    int    `json:"version"`
	Generation int64  `json:"generation"`
	// Position is a token, empty while nothing can be read.
	Position string `json:"position"`
	Lag      Lag    `json:"lag"`
	// Filling is the generation that is to replace the one that is read.
	Filling int64 `json:"filling,omitempty"`
	// Progress is how much of the log that generation has taken.
	Progress float64 `json:"progress,omitempty" minimum:"0" maximum:"1"`
	Stopped  string  `json:"stopped,omitempty" doc:"Why it stands still."`
}

// Lag is what a read model has yet to take.
type Lag struct {
	Events  int     `json:"events"`
	More    bool    `json:"more,omitempty" doc:"There are more events than that."`
	Seconds float64 `json:"seconds" doc:"Age of the oldest of them."`
}

type pong struct {
	Pong      bool           `json:"pong"`
	Timestamp queries.Millis `json:"timestamp"`
}

func (a *api) ping(*frame.Call, *frame.Nothing) (pong, error) {
	return pong{true, queries.Millis(a.Clock().UnixMilli())}, nil
}

// hello leaves a line in the log, as recorded.
func (a *api) hello(c *frame.Call, _ *frame.Nothing) (frame.Said, error) {
	a.Logger.InfoContext(c, "Hello endpoint hit")
	return frame.Said{Message: "Hello World!"}, nil
}

type serverStatus struct {
	Status     string      `json:"status"`
	AgentCount int         `json:"agentCount"`
	Timestamp  queries.ISO `json:"timestamp"`
}

func (a *api) status(c *frame.Call, _ *frame.Nothing) (serverStatus, error) {
	n, err := a.Queries.CountRunning(c)
	return serverStatus{"ok", n, frame.ISO(a.Clock())}, err
}

type healthAnswer struct {
	Status       string            `json:"status"`
	Version      string            `json:"version,omitempty"`
	Timestamp    queries.ISO       `json:"timestamp,omitempty"`
	AgentCount   *int              `json:"agentCount,omitempty" doc:"Agents that run."`
	Dependencies map[string]string `json:"dependencies,omitempty"`

	Projections []ProjectionHealth `json:"projections,omitempty"`
	Embedding   *EmbeddingHealth   `json:"embedding,omitempty"`
}

type aliveAnswer struct {
	Status    string      `json:"status"`
	Timestamp queries.ISO `json:"timestamp"`
}

// alive looks at nothing that the server depends on.
func (a *api) alive(*frame.Call, *frame.Nothing) (aliveAnswer, error) {
	return aliveAnswer{"ok", frame.ISO(a.Clock())}, nil
}

// health is 200 also without agents, and 503 when something that the server depends on is broken. Who has no key where one
// is set gets the status alone.
func (a *api) health(c *frame.Call, _ *frame.Nothing) (healthAnswer, error) {
	h := healthAnswer{Status: "OK", Version: a.Version, Timestamp: frame.ISO(a.Clock()), Dependencies: map[string]string{}}
	var broken []string
	found := a.Health(c)
	state := found.Dependencies
	h.Projections, h.Embedding = found.Projections, found.Embedding
	for _, name := range slices.Sorted(maps.Keys(state)) {
		h.Dependencies[name] = "healthy"
		if reason := state[name]; reason != "" {
			h.Dependencies[name] = "unhealthy: " + reason
			broken = append(broken, name)
		}
	}
	if state["postgres"] == "" { // which would be waited for otherwise
		if n, err := a.Queries.CountRunning(c); err == nil {
			h.AgentCount, h.Dependencies["agents"] = &n, "healthy"
			if n == 0 {
				h.Dependencies["agents"] = "no_agents"
			}
		}
	}
	if broken != nil {
		h.Status = "UNAVAILABLE"
	}
	message := "Not well: " + strings.Join(broken, ", ")
	if !c.Identified() {
		h, message = healthAnswer{Status: h.Status}, "Not well"
	}
	if broken == nil {
		return h, nil
	}
	return h, &problem.Problem{Status: http.StatusServiceUnavailable, Code: problem.CodeUnavailable, Message: message, Beside: h}
}

// stop ends the server gracefully. Without a key only this machine may ask for it.
func (a *api) stop(c *frame.Call, _ *struct{ Body *struct{} }) (frame.Said, error) {
	if err := c.Here("stop the server"); err != nil {
		return frame.Said{}, err
	}
	a.Stop()
	return frame.Said{Message: "Server stopping..."}, nil
}

type debugServers struct {
	Servers []queries.Server `json:"servers"`
	Count   int              `json:"count"`
	Next    string           `json:"next,omitempty" doc:"Where the page ended early: the before or after of the next one."`
}

func (a *api) debugServers(c *frame.Call, in *frame.PageQuery) (debugServers, error) {
	page, err := in.Page(c.PlacesOf(queries.AServer))
	if err != nil {
		return debugServers{}, err
	}
	found, total, err := a.Queries.Servers(c, page)
	c.Total = total
	next := frame.NextOf(c, page, false, found, func(s queries.Server) uuid.UUID { return s.ID })
	return debugServers{frame.List(found), len(found), next}, err
}
