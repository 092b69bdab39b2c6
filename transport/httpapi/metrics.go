package httpapi

import (
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"annals/transport/problem"
)

// metrics tells the counters as Prometheus reads them. What cannot be gathered now is left out, and logged.
func (a *API) metrics(g *gin.Context) {
	if a.o.Metrics == nil {
		a.refuse(g, problem.New(http.StatusNotFound, problem.CodeNotFound, "There are no metrics here."))
		return
	}
	promhttp.HandlerFor(a.o.Metrics, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(a.o.Logger.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
	}).ServeHTTP(g.Writer, g.Request)
}
