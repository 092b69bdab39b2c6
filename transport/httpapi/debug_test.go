package httpapi

import "testing"

func TestStateAndMetricsAreShown(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.newAgent("Eliza")
	s.ask("GET", "/api/nowhere", nil).refused(404, codeNotFound)
	state := s.ask("GET", "/api/server/debug/state", nil).is(200)
	if len(state.at("agents").([]any)) != 1 || len(state.at("rebuilds").([]any)) != 0 {
		t.Errorf("state: %s", state.body)
	}
	if parked := state.at("subscriptions").([]any)[0].(fields)["parked"]; parked != 1.0 {
		t.Errorf("parked: %v", parked)
	}
	metrics := s.ask("GET", "/api/server/debug/metrics", nil).is(200)
	if metrics.at("requests.4xx") != 1.0 || metrics.at("process.goroutines").(float64) < 1 {
		t.Errorf("metrics: %s", metrics.body)
	}
}
