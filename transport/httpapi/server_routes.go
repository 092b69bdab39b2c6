package httpapi

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"annals/transport/serverlog"
)

// ServerPorts is what the server tells of itself.
type ServerPorts struct {
	Health func(context.Context) Health
	// Deliveries tells how far the persistent subscriptions are that reactions live of.
	Deliveries func(context.Context) ([]Delivery, error)
	// Parked is what reactions gave up; there is nothing without it.
	Parked Parked
	// Lines are the newest of the server's log.
	Lines *serverlog.Ring
	// Metrics are what /metrics and debug/metrics tell; there are none without it.
	Metrics prometheus.Gatherer
	// Sockets are counted where they can be (see Connected).
	Sockets map[string]http.Handler
	Stop    func() // begins a graceful stop and returns at once
}

// serverAPI is the frame with these.
type serverAPI struct {
	*API
	ServerPorts
}

// mountServer adds the routes.
func mountServer(f *API, p ServerPorts) {
	if p.Parked == nil {
		p.Parked = nothingParked{}
	}
	if p.Lines == nil {
		p.Lines = serverlog.New()
	}
	a := &serverAPI{API: f, ServerPorts: p}
	a.examples(serverExamples...)
	get(a.API, "/api/server/ping", "Tell that the server is there", a.ping, bare, keyless)
	get(a.API, "/api/server/hello", "Say hello", a.hello, bare)
	get(a.API, "/api/server/health", "Tell how the server's dependencies are", a.health, bare, keyless)
	get(a.API, "/api/server/status", "Count the running agents", a.status, bare)
	post(a.API, "/api/server/stop", "Stop the server gracefully", a.stop, bare)
	get(a.API, "/api/server/debug/servers", "List the servers", a.debugServers, bare)
	get(a.API, "/api/server/debug/state", "Tell how the server's parts are", a.debugState)
	get(a.API, "/api/server/debug/metrics", "Count what the server does", a.debugMetrics)
	get(a.API, "/api/server/logs", "Search the newest lines of the server's log", a.serverLogs, bare)
	post(a.API, "/api/server/logs", "Search the newest lines of the server's log", a.postServerLogs, bare, asks)
	remove(a.API, "/api/server/logs", "Forget the lines of the server's log", a.clearServerLogs, bare)
	follow(a.API, "/api/server/logs/stream", "Follow the server's log", a.followServerLogs, aLine)
	get(a.API, "/api/server/parked", "List what reactions gave up", a.parked, bare)
	remove(a.API, "/api/server/parked", "Forget what reactions gave up", a.dropParked)
	post(a.API, "/api/server/parked/retry", "Give reactions again what they gave up", a.retryParked, bare)
	get(a.API, "/api/server/parked/:eventId", "Show an event that a reaction gave up", a.parkedEvent, bare)
	remove(a.API, "/api/server/parked/:eventId", "Forget an event that a reaction gave up", a.dropParkedEvent)
	post(a.API, "/api/server/parked/:eventId/retry", "Give a reaction again what it gave up", a.retryParkedEvent, bare)
	a.page("/metrics", "Tell what the server has done, as Prometheus reads it", a.metrics, someCounters)
}
