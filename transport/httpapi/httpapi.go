// Package httpapi is the REST API: Gin routes requests, huma describes and reads them, and every operation is a short
// function that runs commands or asks queries. Each domain shows its routes on one page.
package httpapi

import (
	"log/slog"
	"net/http"
	"time"

	"annals/transport/httpapi/agents"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/history"
	"annals/transport/httpapi/jobs"
	"annals/transport/httpapi/mcp"
	"annals/transport/httpapi/media"
	"annals/transport/httpapi/memory"
	"annals/transport/httpapi/messaging"
	"annals/transport/httpapi/portation"
	"annals/transport/httpapi/server"
	"annals/transport/httpapi/sessions"
	"annals/transport/httpapi/system"
	"annals/transport/httpapi/web"
	"annals/transport/secrets"
)

// Options is what the API works with: what all domains share, and the ports that each needs besides.
type Options struct {
	Frame     frame.Options
	Agents    agents.Ports
	Messaging messaging.Ports
	Sessions  sessions.Ports
	Memory    memory.Ports
	Media     media.Ports
	Server    server.Ports
	System    system.Ports
	History   history.Ports
	Web       web.Ports
	// Secrets encrypts the secrets of agents in ElizaOS's form (CONTRACT 2.3).
	Secrets secrets.Vault
	// Sockets answer on their path and set their own time limits.
	Sockets map[string]http.Handler
}

// New builds the API.
func New(o Options) *frame.API {
	o.Frame.Otherwise = o.Web.Shell
	o.Agents.Secrets = o.Secrets
	o.Server.Sockets = o.Sockets
	a := frame.New(o.Frame)
	agents.Mount(a, o.Agents)
	posting := messaging.Mount(a, o.Messaging)
	o.Sessions.Talk = posting
	sessions.Mount(a, o.Sessions)
	jobs.Mount(a, jobs.Ports{Talk: posting})
	media.Mount(a, o.Media)
	memory.Mount(a, o.Memory)
	portation.Mount(a, portation.Ports{Secrets: o.Secrets})
	server.Mount(a, o.Server)
	system.Mount(a, o.System)
	history.Mount(a, o.History)
	web.Mount(a, o.Web)
	mcp.Mount(a)
	a.Socket("/ws", "Subscribe to what becomes readable", o.Sockets["/ws"], []string{http.MethodGet})
	// The key may come in the first packet: see Identify.
	a.Socket(socketIO, "Speak over Socket.IO, as ElizaOS's clients do", o.Sockets[socketIO], []string{http.MethodGet, http.MethodPost}, frame.Keyless, frame.Polled)
	a.Complete()
	return a
}

const socketIO = "/socket.io/"

// Routes lists every route, sorted by path.
func Routes() []frame.Route { return New(Options{}).Routes() }

// maxHead bounds what the server reads of a request before its body, in bytes. What is longer than an operation takes is read
// all the same, as a body is, so that its client is told in our words.
const maxHead = frame.MaxBody

// Server is the HTTP server of a handler, with limits on what a client may take up. Its Shutdown should be given ten seconds.
func Server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
