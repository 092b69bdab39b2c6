package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"annals/transport/httpapi"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/limits"
	"annals/transport/problem"
)

// from sends a request that seems to come from an address; headers come in pairs.
func (s *fixture) from(peer, method, path string, headers ...string) int {
	r := httptest.NewRequest(method, "http://localhost"+path, nil)
	r.RemoteAddr = peer + ":1"
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.API.ServeHTTP(w, r)
	return w.Code
}

// routesAlone is the API with nothing behind it.
func routesAlone(t *testing.T, change ...func(*httpapi.Options)) *fixture {
	t.Helper()
	var o httpapi.Options
	for _, f := range change {
		f(&o)
	}
	return &fixture{&httpapitest.Server{T: t, API: httpapi.New(o)}}
}

// guarded is a server with a key, rates, and sockets that are never reached.
func guarded(o *httpapi.Options) {
	nothing := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	o.Frame.Key, o.Frame.RateLimit, o.Sockets = "s3cret", true, map[string]http.Handler{"/ws": nothing, "/socket.io/": nothing}
}

// Wrong keys are counted on every path, and never keep out a client with the right key.
func TestWrongKeysAreCountedEverywhereAndLockNobodyOut(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/api/agents", "/api/server/ping", "/api/nothing", "/metrics", "/media/uploads/agents/" + unknown + "/a.png", "/ws", "/socket.io/?EIO=4&transport=polling",
		"/nothing", "/",
	} {
		s := routesAlone(t, guarded)
		const guesses = 1000
		for range guesses {
			if status := s.from("192.0.2.1", "GET", path, "X-API-KEY", "wrong"); status == http.StatusTooManyRequests {
				t.Fatalf("%s: refused early", path)
			}
		}
		if status := s.from("192.0.2.1", "GET", path, "Authorization", "Bearer wrong"); status != http.StatusTooManyRequests {
			t.Errorf("%s: %d for guess %d", path, status, guesses+1)
		}
		for _, right := range [][]string{{"X-API-KEY", "s3cret"}, {"Authorization", "Bearer s3cret"}} {
			if status := s.from("192.0.2.1", "GET", "/api/server/ping", right...); status != http.StatusOK {
				t.Errorf("%s: the right key behind the same address: %d", path, status)
			}
		}
		if status := s.from("192.0.2.2", "GET", "/api/agents"); status != http.StatusUnauthorized {
			t.Errorf("%s: another address: %d", path, status)
		}
	}
}

// So it is with requests that show no key where one is needed, such as the pictures of a page elsewhere; and who has the key is
// counted, too.
func TestWhoHasTheKeyHasARateOfItsOwn(t *testing.T) {
	t.Parallel()
	s := routesAlone(t, guarded)
	for range 2000 {
		s.from("192.0.2.1", "GET", "/media/uploads/agents/"+unknown+"/a.png")
	}
	for n := range 1000 {
		if status := s.from("192.0.2.1", "GET", "/api/server/ping", "X-API-KEY", "s3cret"); status != http.StatusOK {
			t.Fatalf("request %d with the key: %d", n, status)
		}
	}
	if status := s.from("192.0.2.1", "GET", "/api/server/ping", "X-API-KEY", "s3cret"); status != http.StatusTooManyRequests {
		t.Errorf("one more than the rate: %d", status)
	}
}

func TestKeysInThePacketOfASocketAreCounted(t *testing.T) {
	t.Parallel()
	s := routesAlone(t, guarded)
	r := httptest.NewRequest(http.MethodGet, "/socket.io/", nil)
	r.RemoteAddr = "192.0.2.1:1"
	for range 1000 {
		if _, err := s.API.Identify(r, "wrong"); err == nil || !strings.HasPrefix(err.Error(), "Invalid X-API-KEY") {
			t.Fatalf("a wrong key: %v", err)
		}
	}
	if _, err := s.API.Identify(r, ""); err == nil || !strings.HasPrefix(err.Error(), "Missing X-API-KEY") {
		t.Errorf("no key: %v", err)
	}
	if status := s.from("192.0.2.1", "GET", "/api/agents", "X-API-KEY", "wrong"); status != http.StatusTooManyRequests {
		t.Errorf("a wrong key after 1000 over the socket: %d", status)
	}
	if _, err := s.API.Identify(r, "s3cret"); err != nil {
		t.Error("the right key is not taken")
	}
}

func TestProxiesThatAreTrustedSayWhoseRequestItIs(t *testing.T) {
	t.Parallel()
	proxies, err := limits.ParseProxies("10.0.0.0/8, 2001:db8::1")
	must(t, err)
	s := routesAlone(t, guarded, func(o *httpapi.Options) { o.Frame.Proxies = proxies })
	for range 1001 {
		s.from("10.1.2.3", "GET", "/api/agents", "X-Forwarded-For", "198.51.100.1, 192.0.2.1")
	}
	for _, c := range []struct {
		peer, forwarded string
		status          int
	}{
		{"10.9.9.9", "192.0.2.1", http.StatusTooManyRequests},
		{"10.9.9.9", "192.0.2.1:4711", http.StatusTooManyRequests},
		{"10.9.9.9", "192.0.2.1, 10.0.0.1", http.StatusTooManyRequests},
		{"[2001:db8::1]", "192.0.2.1", http.StatusTooManyRequests},
		{"192.0.2.1", "203.0.113.1", http.StatusTooManyRequests}, // another peer than a proxy is not believed
		{"10.9.9.9", "198.51.100.1", http.StatusUnauthorized},    // nor is an address that a proxy did not add
		{"10.9.9.9", "192.0.2.1, 198.51.100.9", http.StatusUnauthorized},
		{"10.9.9.9", "", http.StatusUnauthorized},
		{"10.9.9.9", "nonsense", http.StatusUnauthorized},
	} {
		if status := s.from(c.peer, "GET", "/api/agents", "X-Forwarded-For", c.forwarded); status != c.status {
			t.Errorf("%s for %s: %d", c.peer, c.forwarded, status)
		}
	}
}

// Without a key the server is for this machine alone.
func TestWithoutAKeyOnlyThisMachineIsAnswered(t *testing.T) {
	t.Parallel()
	s := routesAlone(t)
	for _, path := range []string{"/api/server/ping", "/metrics", "/ws", "/socket.io/", "/"} {
		for _, c := range []struct {
			peer    string
			headers []string
		}{
			{"192.0.2.1", nil},
			{"127.0.0.1", []string{"X-Forwarded-For", "127.0.0.1"}},
			{"127.0.0.1", []string{"Forwarded", "for=127.0.0.1"}},
			{"127.0.0.1", []string{"Via", "1.1 proxy"}},
			{"127.0.0.1", []string{"X-Forwarded-For", ""}},
			{"127.0.0.1", []string{"Host", "evil.example"}},
		} {
			if status := s.from(c.peer, "GET", path, c.headers...); status != http.StatusForbidden {
				t.Errorf("%s from %s with %q: %d", path, c.peer, c.headers, status)
			}
		}
	}
	for _, peer := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"} {
		if status := s.from(peer, "GET", "/api/server/ping"); status != http.StatusOK {
			t.Errorf("this machine as %s: %d", peer, status)
		}
	}
}

// Where it is meant, others may do what needs no key; what is about the machine itself stays with it.
func TestAnOpenServerKeepsWhatIsOfTheMachine(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.AllowOpen = true })
	for _, who := range [][]string{{"192.0.2.1", "Host", "box.example"}, {"127.0.0.1", "X-Forwarded-For", "192.0.2.1"}, {"127.0.0.1", "Host", "evil.example", "Origin", "http://evil.example"}} {
		if status := s.from(who[0], "GET", "/api/agents", who[1:]...); status != http.StatusOK {
			t.Errorf("%q: %d", who, status)
		}
		for _, one := range []string{
			"POST /api/server/stop", "GET /api/system/env/local", "GET /api/history/events", "GET /api/server/parked",
			"GET /api/server/parked/" + unknown, "DELETE /api/server/parked", "POST /api/server/parked/retry", "DELETE /api/server/logs",
			"DELETE /api/agents/" + unknown + "/logs/" + unknown,
		} {
			method, path, _ := strings.Cut(one, " ")
			if status := s.from(who[0], method, path, who[1:]...); status != http.StatusForbidden {
				t.Errorf("%s by %q: %d", one, who, status)
			}
		}
	}
	s.Ask("GET", "/api/history/events", nil).Is(200)
}

// Pages of other sites change nothing, by whatever method, and open no sockets.
func TestPagesOfOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.CORSOrigin = "https://named.example" })
	dm := "/api/messaging/dm-channel?targetUserId=" + unknown + "&currentUserId=" + ann
	for _, page := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", "https://evil.example"},
	} {
		s.untouched(func() {
			s.Ask("POST", "/api/messaging/servers", fields{"name": "x", "sourceType": "x"}, page...).Refused(403, problem.CodeForbidden)
			s.Ask("GET", dm, nil, page...).Refused(403, problem.CodeForbidden)
			s.Ask("HEAD", dm, nil, page...).Is(403)
		})
		s.Ask("GET", "/socket.io/?EIO=4&transport=polling", nil, page...).Refused(403, problem.CodeForbidden)
	}
	made := s.Ask("GET", dm, nil, "Sec-Fetch-Site", "same-site").Is(200).Text("id")
	for _, page := range [][]string{{}, {"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Site", "cross-site"}} { // it is there
		if got := s.Ask("GET", dm, nil, page...).Is(200).Text("id"); got != made {
			t.Errorf("%q: %s, not %s", page, got, made)
		}
	}
	s.Ask("POST", "/api/messaging/servers", fields{"name": "x", "sourceType": "x"}, "Sec-Fetch-Site", "cross-site", "Origin", "https://named.example").Is(201)
	s.Ask("POST", "/api/messaging/servers", fields{"name": "x", "sourceType": "x"}, "Sec-Fetch-Site", "same-origin", "Origin", s.URL).Is(201)
}

// Requests without the key are answered at a pace: guesses come later, and a client with the key behind the same address at once.
func TestGuessesAreAnsweredAtAPaceAndTheRightKeyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := routesAlone(t, func(o *httpapi.Options) { o.Frame.Key = "s3cret" })
		began := time.Now()
		for range 1500 {
			s.from("192.0.2.1", "GET", "/api/agents", "X-API-KEY", "wrong")
		}
		if took := time.Since(began); took < 1500*time.Millisecond || took > 3*time.Second {
			t.Errorf("1,500 guesses took %v", took)
		}
		began = time.Now()
		for range 1500 {
			s.from("192.0.2.1", "GET", "/api/server/ping", "X-API-KEY", "s3cret")
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("a client with the key waited for %v", took)
		}
	})
}
