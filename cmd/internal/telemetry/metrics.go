package telemetry

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
)

// collectLimit bounds what is looked up for each scrape.
const collectLimit = 2 * time.Second

// metrics counts what the server does. Labels are few and from small sets: never an id, never what a client chose.
type metrics struct {
	Registry *prometheus.Registry

	commands, appends, facts, reactions, models, tokens, requests *prometheus.CounterVec

	commandTook, appendTook, reactionTook, modelTook, requestTook *prometheus.HistogramVec
}

func newMetrics(version string) *metrics {
	m := &metrics{Registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "annals_" + name, Help: help}, labels)
		m.Registry.MustRegister(c)
		return c
	}
	seconds := func(name, help string, longest float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "annals_" + name + "_seconds", Help: help, Buckets: prometheus.ExponentialBucketsRange(longest/10_000, longest, 12),
		}, labels)
		m.Registry.MustRegister(h)
		return h
	}
	m.commands = counter("commands_total", "Commands by how they ended: changed, unchanged, refused or failed.", "command", "outcome")
	m.commandTook = seconds("command_duration", "How long commands took.", 5, "command")
	m.appends = counter("appends_total", "Appends to the event store by how they ended: recorded, conflict, refused or unavailable.", "outcome")
	m.appendTook = seconds("append_duration", "How long appends took.", 5)
	m.facts = counter("facts_total", "Facts that this process recorded, by type.", "type")
	m.reactions = counter("reactions_total", "Attempts of reactions by how they ended (done, failed), retries of them, and what was parked.", "reaction", "outcome")
	m.reactionTook = seconds("reaction_duration", "How long attempts of reactions took.", 120, "reaction")
	m.models = counter("model_calls_total", "Calls of models by how they ended: answered, failed or aborted.", "kind", "provider", "outcome")
	m.modelTook = seconds("model_call_duration", "How long calls of models took.", 120, "kind", "provider")
	m.tokens = counter("model_tokens_total", "Tokens of calls of models: of the prompt, and of the completion.", "kind", "provider", "part")
	m.requests = counter("http_requests_total", "HTTP requests by route and status.", "method", "route", "status")
	m.requestTook = seconds("http_request_duration", "How long HTTP requests took, sockets excepted.", 60, "method", "route")
	m.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "annals_build_info", Help: "The version that runs.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.Registry.MustRegister(build)
	return m
}

// command counts a command; it is told how it ended.
func (m *metrics) command(name string) func(commands.Result, error) {
	began := time.Now()
	return func(r commands.Result, err error) {
		m.commandTook.WithLabelValues(name).Observe(time.Since(began).Seconds())
		outcome := "failed"
		switch {
		case err == nil && r.Changed:
			outcome = "changed"
		case err == nil:
			outcome = "unchanged"
		case ofClient(err):
			outcome = "refused"
		}
		m.commands.WithLabelValues(name, outcome).Inc()
	}
}

// ofClient tells whether an error is the doing of whoever asked.
func ofClient(err error) bool {
	return slices.ContainsFunc([]error{
		commands.ErrNotFound, commands.ErrRefused, commands.ErrStale, commands.ErrReused, events.ErrInvalid, events.ErrTooLarge,
	}, func(is error) bool { return errors.Is(err, is) })
}

// appended counts an append that began at that time.
func (m *metrics) appended(began time.Time, facts []events.Proposed, err error) {
	m.appendTook.WithLabelValues().Observe(time.Since(began).Seconds())
	switch {
	case err == nil:
		m.appends.WithLabelValues("recorded").Inc()
		for _, f := range facts {
			m.facts.WithLabelValues(f.Event.EventType()).Inc()
		}
	case errors.Is(err, events.ErrConflict):
		m.appends.WithLabelValues("conflict").Inc()
	case ofClient(err):
		m.appends.WithLabelValues("refused").Inc()
	default:
		m.appends.WithLabelValues("unavailable").Inc()
	}
}

// attempt counts one attempt of a reaction.
func (m *metrics) attempt(reaction string) func(error) {
	began := time.Now()
	return func(err error) {
		m.reactionTook.WithLabelValues(reaction).Observe(time.Since(began).Seconds())
		outcome := "done"
		if err != nil {
			outcome = "failed"
		}
		m.reactions.WithLabelValues(reaction, outcome).Inc()
	}
}

// asked counts a call of a model.
func (m *metrics) asked(kind, provider string, began time.Time, said reactions.Completion, err error) {
	m.modelTook.WithLabelValues(kind, provider).Observe(time.Since(began).Seconds())
	outcome := "answered"
	switch {
	case errors.Is(err, context.Canceled):
		outcome = "aborted"
	case err != nil:
		outcome = "failed"
	}
	m.models.WithLabelValues(kind, provider, outcome).Inc()
	m.tokens.WithLabelValues(kind, provider, "prompt").Add(float64(said.PromptTokens))
	m.tokens.WithLabelValues(kind, provider, "completion").Add(float64(said.CompletionTokens))
}

// methods are those that routes have.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// request counts HTTP requests.
func (m *metrics) request(g *gin.Context) {
	began := time.Now()
	defer func() {
		method, route := g.Request.Method, g.FullPath()
		if !slices.Contains(methods, method) {
			method = "other"
		}
		if route == "" {
			route = "none"
		}
		m.requests.WithLabelValues(method, route, strconv.Itoa(g.Writer.Status())).Inc()
		if route != "/ws" && !strings.HasPrefix(route, "/socket.io") {
			m.requestTook.WithLabelValues(method, route).Observe(time.Since(began).Seconds())
		}
	}()
	g.Next()
}

// Sockets tells how many clients are connected over a kind of socket.
func (m *metrics) Sockets(kind string, connected func() int) {
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "annals_sockets", Help: "Clients that are connected.", ConstLabels: prometheus.Labels{"kind": kind},
	}, func() float64 { return float64(connected()) }))
}

// Lag is how far a projection is behind the log.
type Lag struct {
	Projection, Group string
	Events            int // 1000 stands for more
	Seconds           float64
	Stopped           bool
}

// Lags measures how far the projections are behind the log, at each scrape.
func (m *metrics) Lags(measure func(context.Context) []Lag) {
	m.Registry.MustRegister(lagging(measure))
}

type lagging func(context.Context) []Lag

var (
	lagEvents  = prometheus.NewDesc("annals_projection_lag_events", "Events that the projection has yet to take; 1000 stands for more.", []string{"projection", "group"}, nil)
	lagSeconds = prometheus.NewDesc("annals_projection_lag_seconds", "Age of the oldest event that the projection has yet to take.", []string{"projection", "group"}, nil)
	stopped    = prometheus.NewDesc("annals_projection_stopped", "Whether the projection stands still.", []string{"projection", "group"}, nil)
)

// Describe implements prometheus.Collector.
func (lagging) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagEvents, lagSeconds, stopped} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (l lagging) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectLimit)
	defer cancel()
	for _, p := range l(ctx) {
		tell := func(d *prometheus.Desc, v float64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, p.Projection, p.Group)
		}
		still := 0.0
		if p.Stopped {
			still = 1
		}
		tell(lagEvents, float64(p.Events))
		tell(lagSeconds, p.Seconds)
		tell(stopped, still)
	}
}

// ParkedEvents counts the events that are parked, by reaction, at each scrape.
func (m *metrics) ParkedEvents(count func(context.Context) (map[string]int64, error)) {
	m.Registry.MustRegister(parkedNow(count))
}

type parkedNow func(context.Context) (map[string]int64, error)

var parkedEventsNow = prometheus.NewDesc("annals_parked_events", "Events that the reaction gave up and that wait for an operator.", []string{"reaction"}, nil)

// Describe implements prometheus.Collector.
func (parkedNow) Describe(out chan<- *prometheus.Desc) { out <- parkedEventsNow }

// Collect implements prometheus.Collector. While the store does not tell, there is no figure.
func (p parkedNow) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectLimit)
	defer cancel()
	found, err := p(ctx)
	if err != nil {
		return
	}
	for reaction, n := range found {
		out <- prometheus.MustNewConstMetric(parkedEventsNow, prometheus.GaugeValue, float64(n), reaction)
	}
}
