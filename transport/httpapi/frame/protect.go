package frame

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

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
		h.Set("Access-Control-Expose-Headers", "ETag, Retry-After, X-Total-Count, X-Annals-Position")
	}
	switch {
	case g.Request.Method == http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET,POST,PUT,DELETE,PATCH,OPTIONS")
		h.Set("Access-Control-Allow-Headers",
			"Content-Type,Authorization,X-API-KEY,If-Match,If-None-Match,Idempotency-Key,X-Annals-After,X-Request-ID")
		g.AbortWithStatus(http.StatusNoContent)
	case !a.origins.names(g.Request.Host):
		a.refuse(g, problem.New(http.StatusForbidden, problem.CodeForbidden,
			"Without a key the server answers to loopback names only: call it as localhost, or set ELIZA_SERVER_AUTH_TOKEN."))
	case origin != "" && !allowed && !a.keys.required() && g.Request.Method != http.MethodGet:
		// A page that may not read an answer must not write either: a simple request is sent without asking first.
		a.refuse(g, problem.New(http.StatusForbidden, problem.CodeForbidden, "Pages of %.100s may not call: name them in CORS_ORIGIN.", origin))
	}
}

// origins says whose pages may call, and under which names the server may be called.
type origins struct {
	named []string
	host  string
	keyed bool
}

func newOrigins(named, host string, keyed bool) origins {
	o := origins{host: strings.ToLower(host), keyed: keyed}
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

// opens tells whether a page may open a socket, which browsers do not ask about first: those that may call, and the
// server's own.
func (o origins) opens(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	u, err := url.Parse(origin)
	return origin == "" || o.allows(origin) || err == nil && strings.EqualFold(u.Host, r.Host)
}

// names tells whether the server may be called by that host. Without a key it must be a loopback name, or what it was told
// to bind: a page elsewhere can make its own name resolve to this machine.
func (o origins) names(host string) bool {
	if o.keyed {
		return true
	}
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
func local(r *http.Request) bool {
	ip, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !ip.Addr().Unmap().IsLoopback() {
		return false
	}
	origin := r.Header.Get("Origin")
	u, err := url.Parse(origin)
	return origin == "" || (err == nil && strings.EqualFold(u.Host, r.Host))
}
