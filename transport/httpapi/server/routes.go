// Package server is the part of the REST API in which the server reports how it is: health, logs, metrics, parked events.
package server

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"annals/transport/httpapi/frame"
	"annals/transport/serverlog"
)

// Ports is what the server tells of itself.
type Ports struct {
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

// api is the frame with these.
type api struct {
	*frame.API
	Ports
}

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	if p.Parked == nil {
		p.Parked = nothingParked{}
	}
	if p.Lines == nil {
		p.Lines = serverlog.New()
	}
	a := &api{API: f, Ports: p}
	a.Examples(examples...)
	frame.Get(a.API, "/api/server/ping", "Tell that the server is there", a.ping, frame.Bare, frame.Keyless)
	frame.Get(a.API, "/api/server/hello", "Say hello", a.hello, frame.Bare)
	frame.Get(a.API, "/api/server/health", "Tell how the server's dependencies are", a.health, frame.Also("/health"), frame.Bare, frame.Keyless)
	frame.Get(a.API, "/healthz", "Tell that the server answers", a.alive, frame.Bare, frame.Keyless)
	frame.Get(a.API, "/api/server/status", "Count the running agents", a.status, frame.Bare)
	frame.Post(a.API, "/api/server/stop", "Stop the server gracefully", a.stop, frame.Bare)
	frame.Get(a.API, "/api/server/debug/servers", "List the servers", a.debugServers, frame.Bare)
	frame.Get(a.API, "/api/server/debug/state", "Tell how the server's parts are", a.debugState)
	frame.Get(a.API, "/api/server/debug/metrics", "Count what the server does", a.debugMetrics)
	frame.Get(a.API, "/api/server/logs", "Search the newest lines of the server's log", a.serverLogs, frame.Bare)
	frame.Post(a.API, "/api/server/logs", "Search the newest lines of the server's log", a.postServerLogs, frame.Bare, frame.Asks)
	frame.Remove(a.API, "/api/server/logs", "Forget the lines of the server's log", a.clearServerLogs, frame.Bare)
	frame.Follow(a.API, "/api/server/logs/stream", "Follow the server's log", a.followServerLogs, aLine)
	frame.Get(a.API, "/api/server/parked", "List what reactions gave up", a.parked, frame.Bare)
	frame.Remove(a.API, "/api/server/parked", "Forget what reactions gave up", a.dropParked)
	frame.Post(a.API, "/api/server/parked/retry", "Give reactions again what they gave up", a.retryParked, frame.Bare)
	frame.Get(a.API, "/api/server/parked/:eventId", "Show an event that a reaction gave up", a.parkedEvent, frame.Bare)
	frame.Remove(a.API, "/api/server/parked/:eventId", "Forget an event that a reaction gave up", a.dropParkedEvent)
	frame.Post(a.API, "/api/server/parked/:eventId/retry", "Give a reaction again what it gave up", a.retryParkedEvent, frame.Bare)
	a.Page("/metrics", "Tell what the server has done, as Prometheus reads it", a.metrics, someCounters)
}
