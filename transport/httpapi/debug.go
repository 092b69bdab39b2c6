package httpapi

import (
	"runtime"
	"strconv"

	"annals/queries"
)

// Delivery is how far a persistent subscription is, of which reactions live.
type Delivery struct {
	Group       string `json:"group"`
	Parked      int64  `json:"parked" doc:"Set aside with a reason: somebody has to look."`
	InFlight    int64  `json:"inFlight"`
	Connections int    `json:"connections"`
}

// Connected is a handler of sockets that counts its clients.
type Connected interface{ Connected() int }

type debugState struct {
	Timestamp     queries.ISO         `json:"timestamp"`
	Uptime        float64             `json:"uptime" doc:"Seconds."`
	Agents        []queries.AgentItem `json:"agents"`
	Sockets       map[string]int      `json:"sockets" doc:"Clients by path."`
	Subscriptions []Delivery          `json:"subscriptions"`
	Following     int64               `json:"following" doc:"Clients that follow a log."`
	Dependencies  map[string]string   `json:"dependencies" doc:"What is wrong with each; empty when it is well."`
	Projections   []ProjectionHealth  `json:"projections"`
	Rebuilds      []ProjectionHealth  `json:"rebuilds" doc:"Those that are being filled anew."`
}

func (a *API) debugState(c *call, _ *nothing) (debugState, error) {
	now := a.o.Clock()
	found := a.o.Health(c)
	s := debugState{
		Timestamp: iso(now), Uptime: now.Sub(a.started).Seconds(), Sockets: a.connected(), Following: a.following.Load(),
		Dependencies: found.Dependencies, Projections: list(found.Projections), Rebuilds: []ProjectionHealth{},
	}
	for _, p := range found.Projections {
		if p.Filling != 0 {
			s.Rebuilds = append(s.Rebuilds, p)
		}
	}
	deliveries, err := a.o.Deliveries(c)
	if err != nil {
		return s, err
	}
	s.Subscriptions = list(deliveries)
	agents, err := a.o.Queries.Agents(c)
	s.Agents = list(agents)
	return s, err
}

// connected counts the clients of each socket.
func (a *API) connected() map[string]int {
	out := map[string]int{}
	for path, h := range a.o.Sockets {
		if s, ok := h.(Connected); ok {
			out[path] = s.Connected()
		}
	}
	return out
}

type debugMetrics struct {
	Requests  map[string]int64 `json:"requests" doc:"Answers since the start, by class of status."`
	Sockets   map[string]int   `json:"sockets"`
	Following int64            `json:"following"`
	Uptime    float64          `json:"uptime" doc:"Seconds."`
	Process   processMetrics   `json:"process"`
}

type processMetrics struct {
	Goroutines  int    `json:"goroutines"`
	HeapBytes   uint64 `json:"heapBytes"`
	SystemBytes uint64 `json:"systemBytes"`
	Collections uint32 `json:"collections"`
	CPUs        int    `json:"cpus"`
}

func (a *API) debugMetrics(*call, *nothing) (debugMetrics, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	out := debugMetrics{
		Requests: map[string]int64{}, Sockets: a.connected(), Following: a.following.Load(), Uptime: a.o.Clock().Sub(a.started).Seconds(),
		Process: processMetrics{
			Goroutines: runtime.NumGoroutine(), HeapBytes: m.HeapAlloc, SystemBytes: m.Sys, Collections: m.NumGC, CPUs: runtime.NumCPU(),
		},
	}
	for class := range a.answered {
		if n := a.answered[class].Load(); n > 0 {
			out.Requests[strconv.Itoa(class)+"xx"] = n
		}
	}
	return out, nil
}
