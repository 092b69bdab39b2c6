package httpapi_test

import (
	"math"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"annals/transport/httpapi"
	"annals/transport/problem"
)

func TestStateAndMetricsAreShown(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.newAgent("Eliza")
	s.Ask("GET", "/api/nowhere", nil).Refused(404, problem.CodeNotFound)
	state := s.Ask("GET", "/api/server/debug/state", nil).Is(200)
	if len(state.At("agents").([]any)) != 1 || len(state.At("rebuilds").([]any)) != 0 {
		t.Errorf("state: %s", state.Body)
	}
	if parked := state.At("subscriptions").([]any)[0].(fields)["parked"]; parked != 1.0 {
		t.Errorf("parked: %v", parked)
	}
	if none := s.Ask("GET", "/api/server/debug/metrics", nil).Is(200); len(none.At("metrics").([]any)) != 0 {
		t.Errorf("metrics: %s", none.Body)
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
	s := serve(t, func(o *httpapi.Options) { o.Server.Metrics = registry })
	got := s.Ask("GET", "/api/server/debug/metrics", nil).Is(200)
	if got.Text("metrics.0.name") != "a_seconds" || got.At("metrics.0.samples.0.count") != 1.0 || got.At("metrics.0.samples.0.sum") != 2.0 ||
		got.Text("metrics.1.samples.0.labels.kind") != "x" || got.At("metrics.1.samples.0.value") != 3.0 || got.Text("metrics.1.type") != "counter" ||
		got.At("metrics.2.samples.0.value") != nil {
		t.Errorf("metrics: %s", got.Body)
	}
}
