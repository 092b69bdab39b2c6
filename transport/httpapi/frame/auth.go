package frame

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"annals/transport/problem"
)

// Who acts: the caller that showed the key, and everybody else.
const (
	Anonymous = "anonymous"
	keyHolder = "key:default"
)

// cookieLife is that of the cookie that a good key is exchanged for, since browsers send no header on pictures, frames and
// sockets.
const cookieLife = 24 * time.Hour

var (
	errNoKey    = problem.New(http.StatusUnauthorized, problem.CodeAuthRequired, "Missing X-API-KEY: this server has a key")
	errWrongKey = problem.New(http.StatusUnauthorized, problem.CodeAuthRequired, "Invalid X-API-KEY: it is not this server's key")
)

// authenticate finds out who calls, counts the request, and turns away whoever has no key where one is needed. What is refused
// counts wherever it was sent, and so does a wrong key where none is needed.
func (a *API) authenticate(g *gin.Context) {
	identified := !a.keys.required() || a.identify(g)
	if !identified {
		a.strangers.Wait(g, a.O.Proxies.ClientOf(g.Request))
	}
	may := callOf(g.Request.Context()).operation.access
	page := g.FullPath() == "" && a.knowsOtherwise(g.Request)
	refused := !identified && !may.open && !page
	if !refused && (identified || !a.keys.tried(g.Request)) {
		a.limit(g, identified)
		return
	}
	if a.within(g, a.rates.strangers) && refused {
		g.Header("WWW-Authenticate", `Bearer realm="annals"`)
		if a.keys.tried(g.Request) && !a.keys.asked(g.Request) { // the key in a query counts for sockets alone
			a.refuse(g, errWrongKey)
			return
		}
		a.refuse(g, errNoKey)
	}
}

// identify reports whether a request shows the key, or what is worth it.
func (a *API) identify(g *gin.Context) bool {
	c := callOf(g.Request.Context())
	may := c.operation.access
	switch {
	case a.keys.shown(g.Request), may.socket && a.keys.asked(g.Request):
		c.Actor = keyHolder
		// Renewed in its second half: what an open page has no header for never meets an expired one.
		if a.keys.cookieLasts(g.Request) < cookieLife/2 {
			http.SetCookie(g.Writer, a.keys.newCookie(g.Request))
		}
		return true
	case a.keys.cookie(g.Request) && (g.Request.Method == http.MethodGet || may.socket): // any other write needs the header
		c.Actor = keyHolder
		return true
	}
	return may.signed && a.keys.admitted(g.Request)
}

// Identify returns the client that a socket's request comes from; key is what the client sent beside it. It fails where a key is needed and
// the right one is not there: the error's text says whether it is missing or wrong. A wrong one beside the request counts, as one
// in it does (see authenticate).
func (a *API) Identify(r *http.Request, key string) (actor string, err error) {
	switch {
	case !a.keys.required():
		return Anonymous, nil
	case a.keys.shown(r), a.keys.asked(r), a.keys.is(key), a.keys.cookie(r):
		return keyHolder, nil
	case key == "" && !a.keys.tried(r):
		return Anonymous, errNoKey
	case key != "" && a.rates.strangers != nil:
		a.rates.strangers.take(a.O.Proxies.ClientOf(r))
	}
	return Anonymous, errWrongKey
}

// keys knows the server's key, if it has one, and what it is exchanged for.
type keys struct {
	sum   [sha256.Size]byte
	set   bool
	clock func() time.Time
	// named is the cookie's name. Every key has its own: browsers send a cookie to all ports of a host, and servers beside each
	// other must not take theirs away.
	named string
}

func newKeys(key string, clock func() time.Time) keys {
	k := keys{sum: sha256.Sum256([]byte(key)), set: key != "", clock: clock}
	k.named = "annals_key_" + k.sign("name")[:8]
	return k
}

func (k keys) required() bool { return k.set }

// is compares in a time that does not depend on the key.
func (k keys) is(key string) bool {
	sum := sha256.Sum256([]byte(key))
	return key != "" && subtle.ConstantTimeCompare(sum[:], k.sum[:]) == 1
}

// shown tells whether the request carries the key as a header.
func (k keys) shown(r *http.Request) bool {
	if k.is(r.Header.Get("X-Api-Key")) {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && k.is(strings.TrimSpace(token))
}

// tried tells whether the request carries something as the key, which may be wrong.
func (k keys) tried(r *http.Request) bool {
	return r.Header.Get("X-Api-Key") != "" || r.Header.Get("Authorization") != "" || r.URL.Query().Has("apiKey")
}

// asked tells whether the request carries the key in the query, as those do that open a socket.
func (k keys) asked(r *http.Request) bool { return k.is(r.URL.Query().Get("apiKey")) }

// newCookie holds when it expires and a signature by the key.
func (k keys) newCookie(r *http.Request) *http.Cookie {
	expires := k.clock().Add(cookieLife)
	stamp := strconv.FormatInt(expires.Unix(), 10)
	return &http.Cookie{
		Name: k.named, Value: stamp + "." + k.sign(stamp), Path: "/", Expires: expires, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	}
}

func (k keys) sign(stamp string) string {
	mac := hmac.New(sha256.New, k.sum[:])
	mac.Write([]byte("cookie " + stamp))
	return hex.EncodeToString(mac.Sum(nil))
}

// cookie tells whether the request carries a cookie of ours that has not expired.
func (k keys) cookie(r *http.Request) bool { return k.cookieLasts(r) > 0 }

// cookieLasts is for how long the request's cookie is still worth the key: not at all where it is none of ours.
func (k keys) cookieLasts(r *http.Request) time.Duration {
	c, err := r.Cookie(k.named)
	if err != nil {
		return 0
	}
	stamp, signature, _ := strings.Cut(c.Value, ".")
	expires, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || !hmac.Equal([]byte(signature), []byte(k.sign(stamp))) {
		return 0
	}
	return time.Unix(expires, 0).Sub(k.clock())
}
