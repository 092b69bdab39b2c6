package server

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

var someCounters = map[string]any{"text/plain": "# TYPE annals_commands_total counter\nannals_commands_total{command=\"SubmitMessage\",outcome=\"changed\"} 42\n"}

// metrics tells the counters as Prometheus reads them. What cannot be gathered now is left out, and logged.
func (a *api) metrics(c *frame.Call) {
	if a.Metrics == nil {
		c.Refuse(problem.New(http.StatusNotFound, problem.CodeNotFound, "There are no metrics here."))
		return
	}
	c.Serve(promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(a.Logger.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
	}))
}
