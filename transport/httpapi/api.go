// Package httpapi is the REST API: Gin routes requests, huma describes and reads them, and every operation is a short
// function that runs commands or asks queries. routes.go shows the whole API on one page.
package httpapi

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/media"
	"annals/transport/problem"
	"annals/transport/serverlog"
)

// Options is what the API works with. It needs all but what may be empty.
type Options struct {
	Env     commands.Env
	Codec   *events.Codec
	Queries *queries.Queries
	Past    Past
	Log     uuid.UUID // the identity of the log: positions of another one are refused
	Waiter  Waiter
	Head    func(context.Context) (events.Position, error)
	Turns   Turns
	// AgentLogs wakes whoever follows an agent's log, Lines are the server's own.
	AgentLogs AgentLogs
	Lines     *serverlog.Ring
	// Done ends when the server stops: answers that go on end then.
	Done   context.Context //nolint:containedctx // it is the server's, not a request's
	Titles Titles
	// Embedder embeds what memories are searched for.
	Embedder Embedder
	Health   func(context.Context) Health
	// Deliveries tells how far the persistent subscriptions are that reactions live of.
	Deliveries func(context.Context) ([]Delivery, error)
	// Capabilities are what was found on the machine, Configuration what is set, secrets masked.
	Capabilities  func(context.Context) Capabilities
	Configuration map[string]string
	// DataDir holds the local environment.
	DataDir string
	Clock   func() time.Time
	NewID   func() uuid.UUID // version 7
	// ReadOnly refuses every write.
	ReadOnly bool
	Stop     func() // begins a graceful stop and returns at once
	Logger   *slog.Logger
	Version  string
	// Environment is what the version's answer says beside it.
	Environment string

	// Key is what clients must show, Host what the server was told to bind, CORSOrigin the origins, separated by commas,
	// whose pages may call. Each may be empty.
	Key, Host, CORSOrigin string
	// CharactersDir is where characterPath looks; CharacterURLs lets it be a URL.
	CharactersDir string
	CharacterURLs bool
	// SecretSalt is that of ElizaOS's encryption of secrets (CONTRACT 2.3).
	SecretSalt string
	RateLimit  bool
	Parked     Parked
	// Middleware sees every request first. Metrics are what /metrics and debug/metrics tell; there are none without it.
	Middleware []gin.HandlerFunc
	Metrics    prometheus.Gatherer
	// Sockets answer on their path (see routes.go) and set their own time limits.
	Sockets map[string]http.Handler
	// Media keeps what is uploaded.
	Media *media.Store
	// Shell is the web client at /; it may be nil.
	Shell *Shell
	// Dashboard is the page at / and the files below /dashboard/ that it consists of; without it they are not there.
	Dashboard http.Handler
}

// Waiter tells when a group of projections has reached a position. An error means that it has not, for now.
type Waiter interface {
	Wait(ctx context.Context, group string, p events.Position) error
}

// Turns tells when agents are done with a message: Await calls done at once, and again whenever another turn of the message
// has become readable, until done says true or the context ends.
type Turns interface {
	Await(ctx context.Context, message uuid.UUID, done func(context.Context) (bool, error)) error
}

// API is the server's HTTP side. It is safe for concurrent use.
type API struct {
	o       Options
	router  *gin.Engine
	huma    huma.API
	answers huma.Registry // how answers look
	// operations are all that can be asked for. What each is like is said when it is made, and nowhere else.
	operations map[route]*operation
	// environmentLock is held while the local environment is written.
	environmentLock sync.Mutex
	// following counts those who are being told.
	following atomic.Int64
	started   time.Time
	secrets   vault
	origins   origins
	keys      keys
	limits    *limiter
	// head is the highest position known to be in the log: up to it, nobody has to ask the store.
	head atomic.Uint64
}

// New builds the API.
func New(o Options) *API {
	o.Clock, o.NewID = orElse(o.Clock, time.Now), orElse(o.NewID, newID)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Parked == nil {
		o.Parked = nothingParked{}
	}
	gin.SetMode(gin.ReleaseMode)
	a := &API{
		o: o, router: gin.New(), operations: map[route]*operation{}, started: o.Clock(),
		secrets: newVault(cmp.Or(o.SecretSalt, "secretsalt")),
		origins: newOrigins(o.CORSOrigin, o.Host, o.Key != ""),
		keys:    newKeys(o.Key, o.Clock),
	}
	if o.RateLimit {
		a.limits = newLimiter(o.Clock, everything)
	}
	if a.o.Lines == nil {
		a.o.Lines = serverlog.New()
	}
	a.router.HandleMethodNotAllowed = true
	a.router.RedirectTrailingSlash = false
	a.router.Use(o.Middleware...)
	a.router.Use(a.edge, a.protect, a.limit, a.authenticate, a.still, a.bound)
	a.router.NoRoute(func(g *gin.Context) {
		if f := a.o.Shell.find(g.Request); f != nil {
			a.o.Shell.serve(g, f)
			return
		}
		a.refuse(g, errNoRoute)
	})
	a.router.NoMethod(func(g *gin.Context) { a.refuse(g, errNoMethod) })
	a.huma, a.answers = humagin.New(a.router, humaConfig(o.Version)), answerSchemas()
	a.routes()
	a.complete()
	return a
}

func orElse[F any](f func() F, otherwise func() F) func() F {
	if f == nil {
		return otherwise
	}
	return f
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// socket is a route that opens a socket, or speaks in its stead, for the pages that may call and for the server's own.
func (a *API) socket(path, summary string, methods []string, traits ...trait) {
	h := a.o.Sockets[path]
	for _, method := range methods {
		kind := operation{answer: answer{status: http.StatusSwitchingProtocols, raw: true, tag: "sockets"}, access: access{socket: true}}
		a.describeSocket(a.operation(method, path, summary, kind, traits...))
	}
	a.router.Match(methods, path, func(g *gin.Context) {
		if !a.origins.opens(g.Request) {
			a.refuse(g, problem.New(http.StatusForbidden, problem.CodeForbidden, "Pages of %.100s may not connect: name them in CORS_ORIGIN.", g.GetHeader("Origin")))
			return
		}
		if h == nil {
			a.refuse(g, problem.New(http.StatusNotFound, problem.CodeNotFound, "%s is not served here", path))
			return
		}
		h.ServeHTTP(g.Writer, g.Request)
	})
}

// Route is a method and a path in Gin's spelling.
type Route struct{ Method, Path string }

// Routes lists every route, sorted by path.
func Routes() []Route {
	var all []Route
	for _, r := range New(Options{}).router.Routes() {
		all = append(all, Route{r.Method, r.Path})
	}
	slices.SortFunc(all, func(x, y Route) int { return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Method, y.Method)) })
	return all
}

// ServeHTTP takes one trailing slash as none, a path of the API in any case as that in small letters (ids are in such), and
// HEAD as a GET whose body the server drops.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if small := strings.ToLower(path); strings.HasPrefix(small, "/api/") {
		path = strings.TrimSuffix(small, "/")
	}
	if r.Method == http.MethodHead || path != r.URL.Path {
		same, url := *r, *r.URL
		if r.Method == http.MethodHead {
			same = *r.WithContext(context.WithValue(r.Context(), headKey{}, true))
			same.Method = http.MethodGet
		}
		url.Path, same.URL = path, &url
		r = &same
	}
	a.router.ServeHTTP(w, r)
}

// maxHead bounds what the server reads of a request before its body, in bytes. What is longer than an operation takes is read
// all the same, as a body is, so that its client is told in our words.
const maxHead = maxBody

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
