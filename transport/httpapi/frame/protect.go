package frame

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"annals/transport/limits"
	"annals/transport/problem"
)

// Headers of every answer, as the recorded server sends them (CONTRACT 1.6).
var securityHeaders = []struct {
	name  string
	value []string
}{
	{"Content-Security-Policy", []string{"default-src 'self';style-src 'self' 'unsafe-inline' https: http:;script-src 'self' 'unsafe-inline' 'unsafe-eval';" +
		"img-src 'self' data: blob: https: http:;font-src 'self' https: http: data:;connect-src 'self' ws: wss: https: http:;" +
		"media-src 'self' blob: data:;object-src 'none';frame-src 'self' data:;base-uri 'self';form-action 'self'"}},
	{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	{"Cross-Origin-Resource-Policy", []string{"cross-origin"}},
	{"Origin-Agent-Cluster", []string{"?1"}},
	{"Referrer-Policy", []string{"no-referrer"}},
	{"Strict-Transport-Security", []string{"max-age=31536000; includeSubDomains"}},
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"X-Dns-Prefetch-Control", []string{"off"}},
	{"X-Download-Options", []string{"noopen"}},
	{"X-Frame-Options", []string{"SAMEORIGIN"}},
	{"X-Permitted-Cross-Domain-Policies", []string{"none"}},
	{"X-Xss-Protection", []string{"1; mode=block"}},
}

// protect sets the headers, answers what browsers ask first, and turns away pages and names that have no business here.
func (a *API) protect(g *gin.Context) {
	h := g.Writer.Header()
	for _, s := range securityHeaders {
		h[s.name] = s.value
	}
	h.Add("Vary", "Origin")
	origin := g.GetHeader("Origin")
	allowed := a.origins.allows(origin)
	if origin != "" && allowed {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "ETag, Link, Retry-After, X-Total-Count, X-Annals-Position")
	}
	switch {
	case g.Request.Method == http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET,POST,PUT,DELETE,PATCH,OPTIONS")
		h.Set("Access-Control-Allow-Headers",
			"Content-Type,Authorization,X-API-KEY,X-Entity-Id,If-Match,If-None-Match,Idempotency-Key,X-Annals-After,X-Request-ID")
		g.AbortWithStatus(http.StatusNoContent)
	case !a.origins.here(g.Request):
		a.refuse(g, problem.New(http.StatusForbidden, problem.CodeForbidden,
			"Without a key the server answers to this machine alone, and to loopback names only: call it as localhost and not through a proxy, or set "+
				"ELIZA_SERVER_AUTH_TOKEN."))
	case !a.keys.required() && g.Request.Method != http.MethodGet && a.origins.crossSite(g.Request):
		// A page that may not read an answer must not write either: a simple request is sent without asking first.
		a.refuse(g, errCrossSite(g.Request))
	}
}

func errCrossSite(r *http.Request) error {
	return problem.New(http.StatusForbidden, problem.CodeForbidden, "Pages of %.100s may not do that: name them in CORS_ORIGIN.",
		cmp.Or(r.Header.Get("Origin"), "other sites"))
}

// origins says whose pages may call, and under which names the server may be called.
type origins struct {
	named []string
	host  string
	keyed bool
	open  bool // without a key, too
}

func newOrigins(named, host string, keyed, open bool) origins {
	o := origins{host: strings.ToLower(host), keyed: keyed, open: open}
	for one := range strings.SplitSeq(named, ",") {
		if one = strings.TrimSuffix(strings.TrimSpace(one), "/"); one != "" {
			o.named = append(o.named, one)
		}
	}
	return o
}

// allows tells whether pages of an origin may call: those that are named, and without a key those of this machine.
func (o origins) allows(origin string) bool {
	if slices.Contains(o.named, origin) {
		return true
	}
	if o.keyed {
		return false
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && isLoopbackName(u.Hostname())
}

// crossSite reports whether a request is the doing of a page that may not call. Browsers name it in Origin where they ask for
// more than a picture, and tell of others in Sec-Fetch-Site.
func (o origins) crossSite(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return r.Header.Get("Sec-Fetch-Site") == "cross-site"
	}
	return !o.allows(origin) && !own(r)
}

// own reports whether a request is the doing of one of the server's own pages, or of none.
func own(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	u, err := url.Parse(origin)
	return origin == "" || err == nil && strings.EqualFold(u.Host, r.Host)
}

// here reports whether a request may be answered at all: without a key only one from this machine.
func (o origins) here(r *http.Request) bool {
	return o.keyed || o.open || limits.IsLocal(r) && o.names(r.Host)
}

// names tells whether the server may be called by that host without a key. It must be a loopback name, or what it was told to
// bind: a page elsewhere can make its own name resolve to this machine.
func (o origins) names(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return isLoopbackName(name) || strings.ToLower(name) == o.host
}

func isLoopbackName(name string) bool {
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}

// local tells whether a request comes from this machine, and from no page or one of this server's own.
func (o origins) local(r *http.Request) bool {
	return limits.IsLocal(r) && o.names(r.Host) && own(r) && !o.crossSite(r)
}
