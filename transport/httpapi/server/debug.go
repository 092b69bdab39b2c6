package server

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	dto "github.com/prometheus/client_model/go"

	"annals/queries"
	"annals/transport/httpapi/frame"
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

func (a *api) debugState(c *frame.Call, _ *frame.Nothing) (debugState, error) {
	now := a.Clock()
	found := a.Health(c)
	s := debugState{
		Timestamp: frame.ISO(now), Uptime: a.Uptime().Seconds(), Sockets: a.connected(), Following: a.Followers(),
		Dependencies: found.Dependencies, Projections: frame.List(found.Projections), Rebuilds: []ProjectionHealth{},
	}
	for _, p := range found.Projections {
		if p.Filling != 0 {
			s.Rebuilds = append(s.Rebuilds, p)
		}
	}
	deliveries, err := a.Deliveries(c)
	if err != nil {
		return s, err
	}
	s.Subscriptions = frame.List(deliveries)
	agents, err := a.Queries.Agents(c)
	s.Agents = frame.List(agents)
	return s, err
}

// connected counts the clients of each socket.
func (a *api) connected() map[string]int {
	out := map[string]int{}
	for path, h := range a.Sockets {
		if s, ok := h.(Connected); ok {
			out[path] = s.Connected()
		}
	}
	return out
}

// debugMetrics are the counters that /metrics tells Prometheus.
type debugMetrics struct {
	Uptime  float64  `json:"uptime" doc:"Seconds."`
	Metrics []metric `json:"metrics" doc:"By name; none where nothing is counted."`
}

type metric struct {
	Name    string   `json:"name"`
	Help    string   `json:"help,omitempty"`
	Type    string   `json:"type" enum:"counter,gauge,histogram,summary,untyped"`
	Samples []sample `json:"samples"`
}

// sample is a count with its labels. A distribution has the number and the sum of what was measured.
type sample struct {
	Labels map[string]string `json:"labels,omitempty"`
	Value  *finite           `json:"value,omitempty" nullable:"true"`
	Count  *uint64           `json:"count,omitempty"`
	Sum    *finite           `json:"sum,omitempty" nullable:"true"`
}

// finite is a number as JSON has them: what is none, or beyond all bounds, is null.
type finite float64

// MarshalJSON implements json.Marshaler.
func (f finite) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// Schema implements huma.SchemaProvider.
func (finite) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber}
}

// debugMetrics leaves out what cannot be gathered now.
func (a *api) debugMetrics(c *frame.Call, _ *frame.Nothing) (debugMetrics, error) {
	out := debugMetrics{Uptime: a.Uptime().Seconds(), Metrics: []metric{}}
	if a.Metrics == nil {
		return out, nil
	}
	families, err := a.Metrics.Gather()
	if err != nil {
		a.Logger.WarnContext(c, "not everything was gathered", "error", err)
	}
	for _, f := range families {
		m := metric{Name: f.GetName(), Help: f.GetHelp(), Type: strings.ToLower(f.GetType().String()), Samples: []sample{}}
		for _, one := range f.GetMetric() {
			m.Samples = append(m.Samples, sampleOf(one))
		}
		out.Metrics = append(out.Metrics, m)
	}
	return out, nil
}

func sampleOf(m *dto.Metric) (s sample) {
	for _, l := range m.GetLabel() {
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		s.Labels[l.GetName()] = l.GetValue()
	}
	value := func(v float64) *finite { return (*finite)(&v) }
	switch {
	case m.Counter != nil:
		s.Value = value(m.Counter.GetValue())
	case m.Gauge != nil:
		s.Value = value(m.Gauge.GetValue())
	case m.Histogram != nil:
		s.Count, s.Sum = m.Histogram.SampleCount, value(m.Histogram.GetSampleSum())
	case m.Summary != nil:
		s.Count, s.Sum = m.Summary.SampleCount, value(m.Summary.GetSampleSum())
	case m.Untyped != nil:
		s.Value = value(m.Untyped.GetValue())
	}
	return s
}
