package httpapi

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"
)

// The recorded limits: so many requests of one address in a window of time (CONTRACT 1.7).
const (
	rateLimit  = 1000
	rateWindow = 15 * time.Minute
	// addressesKept bounds the memory: whoever was not seen for longest is forgotten.
	addressesKept = 1 << 16
)

var errRateLimited = refusal(http.StatusTooManyRequests, codeRateLimited, "Too many requests. Please try again later.")

// limit counts requests to the API and turns away whoever sends too many.
func (a *API) limit(g *gin.Context) {
	if a.limits == nil || !strings.HasPrefix(g.Request.URL.Path, "/api") {
		return
	}
	left, reset := a.limits.take(g.Request.RemoteAddr)
	h := g.Writer.Header()
	seconds := strconv.Itoa(int(reset.Round(time.Second) / time.Second))
	h.Set("RateLimit-Policy", "1000;w=900")
	h.Set("RateLimit-Limit", strconv.Itoa(rateLimit))
	h.Set("RateLimit-Remaining", strconv.Itoa(max(left, 0)))
	h.Set("RateLimit-Reset", seconds)
	if left < 0 {
		h.Set("Retry-After", seconds)
		a.refuse(g, errRateLimited)
	}
}

// limiter counts in fixed windows that begin with an address's first request.
type limiter struct {
	clock func() time.Time
	mu    sync.Mutex
	seen  *lru.Cache[netip.Prefix, *window]
}

type window struct {
	begun time.Time
	n     int
}

func newLimiter(clock func() time.Time) *limiter {
	seen, err := lru.New[netip.Prefix, *window](addressesKept)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &limiter{clock: clock, seen: seen}
}

// take counts a request. What is left is negative beyond the limit.
func (l *limiter) take(address string) (left int, reset time.Duration) {
	from, now := network(address), l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ok := l.seen.Get(from)
	if !ok || now.Sub(w.begun) >= rateWindow {
		w = &window{begun: now}
		l.seen.Add(from, w)
	}
	w.n++
	return rateLimit - w.n, rateWindow - now.Sub(w.begun)
}

// network is who an address belongs to: itself, or in IPv6 the /64 that one subscriber has.
func network(address string) netip.Prefix {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}
	}
	ip, bits := ap.Addr().Unmap().WithZone(""), 32
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
