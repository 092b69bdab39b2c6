package httpapi

import (
	"math"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"annals/transport/problem"
)

func TestStateAndMetricsAreShown(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.newAgent("Eliza")
	s.ask("GET", "/api/nowhere", nil).refused(404, problem.CodeNotFound)
	state := s.ask("GET", "/api/server/debug/state", nil).is(200)
	if len(state.at("agents").([]any)) != 1 || len(state.at("rebuilds").([]any)) != 0 {
		t.Errorf("state: %s", state.body)
	}
	if parked := state.at("subscriptions").([]any)[0].(fields)["parked"]; parked != 1.0 {
		t.Errorf("parked: %v", parked)
	}
	if none := s.ask("GET", "/api/server/debug/metrics", nil).is(200); len(none.at("metrics").([]any)) != 0 {
		t.Errorf("metrics: %s", none.body)
	}
}

func TestMetricsAreThoseOfPrometheus(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	counts := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "b_total", Help: "Bs."}, []string{"kind"})
	counts.WithLabelValues("x").Add(3)
	took := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "a_seconds"})
	took.Observe(2)
	beyond := prometheus.NewGauge(prometheus.GaugeOpts{Name: "c"})
	beyond.Set(math.Inf(1))
	registry.MustRegister(counts, took, beyond)
	s := serve(t, func(o *Options) { o.Server.Metrics = registry })
	got := s.ask("GET", "/api/server/debug/metrics", nil).is(200)
	if got.text("metrics.0.name") != "a_seconds" || got.at("metrics.0.samples.0.count") != 1.0 || got.at("metrics.0.samples.0.sum") != 2.0 ||
		got.text("metrics.1.samples.0.labels.kind") != "x" || got.at("metrics.1.samples.0.value") != 3.0 || got.text("metrics.1.type") != "counter" ||
		got.at("metrics.2.samples.0.value") != nil {
		t.Errorf("metrics: %s", got.body)
	}
}
