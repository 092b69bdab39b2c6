package frame

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"

	"annals/transport/problem"
)

// addressesKept bounds the memory of a limit: whoever was not seen for longest is forgotten.
const addressesKept = 1 << 16

// rate is so many requests of one address in a window of time.
type rate struct {
	most   int
	window time.Duration
	// legacy has the headers also under the names that they had before.
	legacy bool
	denied *problem.Problem
}

func tooMany(message string) *problem.Problem {
	return problem.New(http.StatusTooManyRequests, problem.CodeRateLimited, "%s", message)
}

// everything is the recorded limit of all that one address asks for (CONTRACT 1.7).
var everything = rate{1000, 15 * time.Minute, false, tooMany("Too many requests. Please try again later.")}

// Limited has a limit of its own besides, the innermost last: so many requests of one address in a window of time.
func Limited(most int, window time.Duration, denied string) Trait {
	return func(o *operation) {
		o.limits.rates = append(o.limits.rates, rate{most, window, false, tooMany(denied)})
	}
}

// LimitedAsBefore is limited, and tells so also under the names of headers that were in use before.
func LimitedAsBefore(most int, window time.Duration, denied string) Trait {
	return func(o *operation) { o.limits.rates = append(o.limits.rates, rate{most, window, true, tooMany(denied)}) }
}

// rates count all that an address asks for: requests of identified clients apart from those of strangers, who may be behind the
// same address and must not use up what the others have.
type rates struct{ identified, strangers *limiter }

// limit counts a request of an identified client, or one that needs no key, and turns it away where there are too many.
func (a *API) limit(g *gin.Context, identified bool) {
	o := callOf(g.Request.Context()).operation
	all := a.rates.identified
	if !identified && a.keys.required() {
		all = a.rates.strangers
	}
	if all == nil || !o.limits.counted || !a.within(g, all) {
		return
	}
	for _, l := range o.limits.own {
		if !a.within(g, l) {
			return
		}
	}
}

func (a *API) within(g *gin.Context, l *limiter) bool {
	if l == nil {
		return true
	}
	left, reset := l.take(a.O.Proxies.ClientOf(g.Request))
	h := g.Writer.Header()
	seconds := strconv.Itoa(int(reset.Round(time.Second) / time.Second))
	most, remaining := strconv.Itoa(l.most), strconv.Itoa(max(left, 0))
	h.Set("RateLimit-Policy", fmt.Sprintf("%d;w=%d", l.most, l.window/time.Second))
	h.Set("RateLimit-Limit", most)
	h.Set("RateLimit-Remaining", remaining)
	h.Set("RateLimit-Reset", seconds)
	if l.legacy {
		h.Set("X-RateLimit-Limit", most)
		h.Set("X-RateLimit-Remaining", remaining)
		h.Set("X-RateLimit-Reset", strconv.FormatInt(l.clock().Add(reset).Unix(), 10))
	}
	if left < 0 {
		h.Set("Retry-After", seconds)
		a.refuse(g, l.denied)
	}
	return left >= 0
}

// limiter counts in fixed windows that begin with a client's first request.
type limiter struct {
	rate
	clock func() time.Time
	mu    sync.Mutex
	seen  *lru.Cache[netip.Prefix, *window]
}

type window struct {
	begun time.Time
	n     int
}

func newLimiter(clock func() time.Time, r rate) *limiter {
	seen, err := lru.New[netip.Prefix, *window](addressesKept)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &limiter{rate: r, clock: clock, seen: seen}
}

// take counts a request. What is left is negative beyond the limit.
func (l *limiter) take(from netip.Prefix) (left int, reset time.Duration) {
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ok := l.seen.Get(from)
	if !ok || now.Before(w.begun) || now.Sub(w.begun) >= l.window { // a clock that was set back has begun no window
		w = &window{begun: now}
		l.seen.Add(from, w)
	}
	w.n++
	return l.most - w.n, l.window - now.Sub(w.begun)
}
