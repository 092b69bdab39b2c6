// Package frame holds what every route of the REST API shares. Gin routes requests, huma describes and reads them, and each operation
// is a short function of a domain, which is mounted on the frame.
package frame

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/limits"
	"annals/transport/problem"
)

// Shared is what every domain works with.
type Shared struct {
	Env     commands.Env
	Codec   *events.Codec
	Queries *queries.Queries
	Log     uuid.UUID // the identity of the log: positions of another one are refused
	Clock   func() time.Time
	NewID   func() uuid.UUID // version 7
	Logger  *slog.Logger
	Version string
	// Done ends when the server stops: answers that go on end then.
	Done context.Context //nolint:containedctx // it is the server's, not a request's
}

// Options is what the frame works with. It needs all but what may be empty.
type Options struct {
	Shared
	Waiter Waiter
	Head   func(context.Context) (events.Position, error)
	// ReadOnly refuses every write.
	ReadOnly bool
	// Key is what clients must show, Host what the server was told to bind, CORSOrigin the origins, separated by commas,
	// whose pages may call. Each may be empty.
	Key, Host, CORSOrigin string
	// AllowOpen lets other machines call although there is no key. Proxies name the addresses that may state the origin of a request.
	AllowOpen bool
	Proxies   limits.Proxies
	RateLimit bool
	// Pages bounds what pages hold until their clients have taken them; nil is as it is declared.
	Pages *limits.Budget
	// Middleware sees every request first.
	Middleware []gin.HandlerFunc
	// Otherwise answers what no route is for, and needs no key for that. It may be nil.
	Otherwise Otherwise
}

// Waiter tells when a group of projections has reached a position. An error means that it has not, for now.
type Waiter interface {
	Wait(ctx context.Context, group string, p events.Position) error
}

// Otherwise knows addresses that are no routes.
type Otherwise interface {
	Knows(r *http.Request) bool
	http.Handler
}

// API is the server's HTTP side. It is safe for concurrent use.
type API struct {
	Shared
	O       Options
	router  *gin.Engine
	huma    huma.API
	answers huma.Registry        // how answers look
	samples map[reflect.Type]any // and what they may be, by the type of their data
	// operations are all that can be asked for. What each is like is said when it is made, and nowhere else.
	operations map[route]*operation
	// following counts those who are being told.
	following atomic.Int64
	started   time.Time
	origins   origins
	keys      keys
	rates     rates
	pages     *limits.Budget
	expensive *limits.Work[caller]
	work      *limits.Work[caller]
	bulk      *limits.Work[caller]
	discards  *limits.Discards
	strangers *limits.Pace // of requests without the key, where one is set
	// head is the highest position known to be in the log: up to it, nobody has to ask the store.
	head atomic.Uint64

	correlations correlations // which ids of clients are taken
}

// New begins an API without routes: domains are mounted on it, then Complete ends it.
func New(o Options) *API {
	o.Clock, o.NewID = orElse(o.Clock, time.Now), orElse(o.NewID, NewID)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Env.Store != nil {
		o.Env.Store = restingStore{o.Env.Store}
	}
	gin.SetMode(gin.ReleaseMode)
	a := &API{
		Shared: o.Shared, O: o, router: gin.New(), operations: map[route]*operation{}, samples: map[reflect.Type]any{}, started: o.Clock(),
		origins: newOrigins(o.CORSOrigin, o.Host, o.Key != "", o.AllowOpen),
		keys:    newKeys(o.Key, o.Clock),
		pages:   cmp.Or(o.Pages, limits.NewBudget(maxPagesInAll, maxPagesOfClient, maxPage)), expensive: newExpensive(),
		work: newWork(), bulk: newBulk(), discards: limits.NewDiscards(maxDiscards, discardsWait), strangers: limits.NewPace(paceInAll, paceOfClient, maxPaced),
	}
	if o.RateLimit {
		a.rates = rates{newLimiter(o.Clock, everything), newLimiter(o.Clock, everything)}
	}
	a.correlations = newCorrelations()
	a.router.HandleMethodNotAllowed = true
	a.router.RedirectTrailingSlash = false
	a.router.Use(o.Middleware...)
	a.router.Use(a.edge, a.protect, a.authenticate, a.still, a.bound)
	a.router.NoRoute(func(g *gin.Context) {
		if a.knowsOtherwise(g.Request) {
			o.Otherwise.ServeHTTP(g.Writer, g.Request)
			return
		}
		a.refuse(g, ErrNoRoute)
	})
	a.router.NoMethod(func(g *gin.Context) { a.refuse(g, errNoMethod) })
	a.Examples(Said{"Done."})
	a.huma, a.answers = humagin.New(a.router, humaConfig(o.Version)), answerSchemas()
	return a
}

func (a *API) knowsOtherwise(r *http.Request) bool {
	return a.O.Otherwise != nil && a.O.Otherwise.Knows(r)
}

// Uptime is the time since the start.
func (a *API) Uptime() time.Duration { return a.Clock().Sub(a.started) }

func orElse[F any](f func() F, otherwise func() F) func() F {
	if f == nil {
		return otherwise
	}
	return f
}

func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Socket is a route that opens a socket, or speaks in its stead, for the pages that may call and for the server's own.
func (a *API) Socket(path, summary string, h http.Handler, methods []string, traits ...Trait) {
	for _, method := range methods {
		kind := operation{answer: answer{status: http.StatusSwitchingProtocols, raw: true, tag: "sockets"}, access: access{socket: true}}
		a.describeSocket(a.operation(method, path, summary, kind, traits...))
	}
	a.router.Match(methods, path, func(g *gin.Context) {
		if a.origins.crossSite(g.Request) {
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

// Protocol is a route at which a handler speaks a protocol of its own, in JSON. It has the time of a request that waits for an answer, and
// asks the API what it needs: the turns at the work are taken then.
func (a *API) Protocol(method, path, summary string, h http.Handler, asked, answered json.RawMessage) {
	kind := operation{
		answer: answer{status: http.StatusOK, raw: true, types: map[string]any{"application/json": answered}, tag: "assistants"},
		access: access{asks: true}, limits: allowance{time: replyTimeLimit},
	}
	op := a.describe(a.operation(method, path, summary, kind), nil)
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}, Example: asked},
	}}
	a.huma.OpenAPI().AddOperation(&op)
	a.router.Handle(method, path, func(g *gin.Context) {
		callOf(g.Request.Context()).Rested()
		w := &plain{ResponseWriter: g.Writer}
		if h.ServeHTTP(w, g.Request); w.status != 0 {
			a.refuse(g, problem.New(w.status, problem.CodeInvalidRequest, "%s", strings.TrimSpace(w.text.String())))
		}
	})
}

// OpenAPI is the description of the API.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// Route is a method and a path in Gin's spelling.
type Route struct{ Method, Path string }

// Routes lists every route, sorted by path.
func (a *API) Routes() []Route {
	var all []Route
	for _, r := range a.router.Routes() {
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
