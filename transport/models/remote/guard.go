package remote

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"annals/transport/publicnet"
)

// ErrForbidden refuses an address that a model may not be asked at. Asking again would give the same.
var ErrForbidden = errors.New("the address is not allowed")

// guard lets requests through to the hosts that the operator listed, and to public addresses.
type guard struct {
	hosts          []string
	listed, public http.RoundTripper
}

// Guard returns a transport for addresses that somebody else than the operator named. It sends requests by https to public addresses alone, and
// without these conditions to the hosts that are listed ("host" or "host:port"). It follows no redirect, and uses no proxy for what is not
// listed: either would connect where the guard may not.
func Guard(hosts []string) http.RoundTripper {
	public := http.DefaultTransport.(*http.Transport).Clone()
	public.Proxy, public.DialContext = nil, publicnet.Dialer(publicnet.Check).DialContext
	g := guard{listed: http.DefaultTransport, public: public}
	for _, h := range hosts {
		if h = strings.ToLower(strings.TrimSpace(h)); h != "" {
			g.hosts = append(g.hosts, h)
		}
	}
	return g
}

// RoundTrip implements http.RoundTripper.
func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	through := g.public
	switch {
	case slices.Contains(g.hosts, strings.ToLower(r.URL.Host)), slices.Contains(g.hosts, strings.ToLower(r.URL.Hostname())):
		through = g.listed
	case r.URL.Scheme != "https":
		if r.Body != nil {
			_ = r.Body.Close() // as every RoundTripper does
		}
		return nil, fmt.Errorf("%w: it is not reached by https; AGENT_MODEL_HOSTS may list %s", ErrForbidden, r.URL.Host)
	}
	response, err := through.RoundTrip(r)
	switch {
	case errors.Is(err, publicnet.ErrInside):
		return nil, fmt.Errorf("%w: it is one of this machine or of a private network; AGENT_MODEL_HOSTS may list %s", ErrForbidden, r.URL.Host)
	case err == nil && response.Header.Get("Location") != "" && response.StatusCode/100 == 3:
		_ = response.Body.Close()
		return nil, fmt.Errorf("%w: %s leads elsewhere", ErrForbidden, r.URL.Host)
	}
	return response, err
}
