package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"annals/events"
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/httpapi/server"
	"annals/transport/problem"
)

func TestUnknownPathsAndMethodsAreToldInTheEnvelope(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Ask("GET", "/api/does-not-exist", nil).Refused(404, problem.CodeNotFound)
	s.Ask("GET", "/elsewhere", nil).Refused(404, problem.CodeNotFound)
	if allow := s.Ask("DELETE", "/api/agents", nil).Refused(405, problem.CodeNoMethod).Header.Get("Allow"); !strings.Contains(allow, "POST") {
		t.Errorf("Allow: %q", allow)
	}
	if got := s.Ask("HEAD", "/api/server/ping", nil).Is(200); len(got.Body) != 0 {
		t.Errorf("HEAD has a body: %s", got.Body)
	}
	s.Ask("GET", "/api/server/ping/", nil).Is(200)
	s.Ask("GET", "/API/Server/PING", nil).Is(200)
	s.Ask("HEAD", "/Api/Server/Ping/", nil).Is(200)
}

func TestEveryAnswerCarriesTheRecordedHeaders(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.RateLimit = true })
	got := s.Ask("GET", "/api/server/ping", nil).Is(200)
	for name, want := range map[string]string{
		"RateLimit-Policy": "1000;w=900", "RateLimit-Limit": "1000", "RateLimit-Remaining": "999", "RateLimit-Reset": "900",
		"Content-Type": "application/json; charset=utf-8", "Vary": "Origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "cross-origin", "Origin-Agent-Cluster": "?1",
		"Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=31536000; includeSubDomains", "X-Content-Type-Options": "nosniff",
		"X-Dns-Prefetch-Control": "off", "X-Download-Options": "noopen", "X-Frame-Options": "SAMEORIGIN",
		"X-Permitted-Cross-Domain-Policies": "none", "X-Xss-Protection": "1; mode=block",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q", name, got.Header.Get(name))
		}
	}
	if policy := got.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'self';") {
		t.Errorf("policy: %s", policy)
	}
}

func TestWhoAsksTooOftenIsTurnedAway(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.RateLimit = true })
	for range 1000 { // as many as it may
		r := httptest.NewRequest(http.MethodGet, "http://localhost/api/server/ping", nil)
		r.RemoteAddr = "127.0.0.1:1"
		s.API.ServeHTTP(httptest.NewRecorder(), r)
	}
	if got := s.Ask("GET", "/api/server/ping", nil).Refused(429, problem.CodeRateLimited); got.Header.Get("Retry-After") == "" {
		t.Error("without Retry-After")
	}
	s.Ask("OPTIONS", "/api/agents", nil).Is(204)
}

func TestBareAnswersHaveTheirFieldsTwice(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for path, key := range map[string]string{
		"/api/server/ping": "pong", "/api/server/hello": "message", "/api/server/status": "agentCount", "/api/server/health": "dependencies",
		"/api/system/version": "environment", "/api/server/debug/servers": "count",
	} {
		got := s.Ask("GET", path, nil).Is(200)
		var top map[string]any
		must(t, json.Unmarshal(got.Body, &top))
		if top[key] == nil || got.At(key) == nil || top["success"] != true {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
}

func TestOnlyNamedOriginsMayCall(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.CORSOrigin = "https://a.example, https://b.example" })
	for origin, want := range map[string]string{
		"https://a.example": "https://a.example", "https://evil.example": "", "http://localhost:5173": "http://localhost:5173",
		"http://127.0.0.1:80": "http://127.0.0.1:80", "http://localhost.evil.example": "", "null": "",
	} {
		got := s.Ask("GET", "/api/server/ping", nil, "Origin", origin).Is(200)
		if got.Header.Get("Access-Control-Allow-Origin") != want || (want != "") != (got.Header.Get("Access-Control-Allow-Credentials") == "true") {
			t.Errorf("%s: %v", origin, got.Header)
		}
		preflight := s.Ask("OPTIONS", "/api/agents", nil, "Origin", origin, "Access-Control-Request-Method", "POST").Is(204)
		if preflight.Header.Get("Access-Control-Allow-Origin") != want {
			t.Errorf("preflight of %s: %v", origin, preflight.Header)
		}
	}
	s.untouched(func() {
		s.Ask("POST", "/api/messaging/servers", fields{"name": "x", "sourceType": "x"}, "Origin", "https://evil.example").Refused(403, problem.CodeForbidden)
	})
}

func TestWithoutAKeyOnlyLoopbackNamesAreAnswered(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.Host = "box.example" })
	for host, status := range map[string]int{
		"localhost": 200, "localhost:3000": 200, "127.0.0.1:3000": 200, "[::1]:3000": 200, "127.9.9.9": 200, "box.example:3000": 200,
		"evil.example": 403, "evil.example:3000": 403, "127.0.0.1.evil.example": 403,
	} {
		if got := s.Ask("GET", "/api/server/ping", nil, "Host", host); got.Status != status {
			t.Errorf("%s: %d", host, got.Status)
		}
	}
}

func TestAKeyIsNeededWhereOneIsSet(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.Key = "s3cret" })
	for _, r := range httpapi.Routes() {
		path := address(r.Path, unknown)
		if path != "/" && !strings.HasPrefix(path, "/dashboard/") && path != "/api/server/ping" && path != "/api/server/health" && path != "/health" && path != "/healthz" && !strings.HasPrefix(path, socketIO) {
			s.Ask(r.Method, path, nil).Refused(401, problem.CodeAuthRequired)
		}
	}
	s.Ask("GET", "/api/unknown", nil).Refused(401, problem.CodeAuthRequired)
	s.Ask("GET", "/API/Agents", nil).Refused(401, problem.CodeAuthRequired)
	s.Ask("GET", "/API/unknown", nil).Refused(401, problem.CodeAuthRequired)
	s.Ask("GET", "/api/agents", nil, "X-API-KEY", "wrong").Refused(401, problem.CodeAuthRequired)
	s.Ask("GET", "/api/agents", nil, "Authorization", "Bearer wrong").Refused(401, problem.CodeAuthRequired)
	s.Ask("GET", "/api/agents?apiKey=s3cret", nil).Refused(401, problem.CodeAuthRequired)
	for want, headers := range map[string][]string{
		"Missing X-API-KEY": nil, "Invalid X-API-KEY": {"X-API-KEY", "wrong"}, "Invalid X-API-KEY:": {"Authorization", "Bearer wrong"},
	} {
		if a := s.Ask("GET", "/api/agents", nil, headers...).Is(401); !strings.Contains(string(a.Body), want) {
			t.Errorf("%v: %s", headers, a.Body)
		}
	}
	s.Ask("GET", "/api/agents", nil, "Authorization", "Bearer s3cret").Is(200)
	s.Ask("OPTIONS", "/api/agents", nil).Is(204)
	s.Ask("GET", "/api/server/ping", nil, "Host", "anything.example").Is(200)
	if got := s.Ask("GET", "/api/server/health", nil).Is(200); strings.Contains(string(got.Body), "dependencies") {
		t.Errorf("health tells strangers: %s", got.Body)
	}
	good := s.Ask("GET", "/api/agents", nil, "X-API-KEY", "s3cret").Is(200)
	set := good.Header.Get("Set-Cookie")
	if !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Strict") || strings.Contains(set, "s3cret") {
		t.Errorf("cookie: %s", set)
	}
	cookie, _, _ := strings.Cut(set, ";")
	s.Ask("GET", "/api/agents", nil, "Cookie", cookie).Is(200)
	s.Ask("GET", "/api/agents", nil, "Cookie", cookie+"0").Refused(401, problem.CodeAuthRequired)
	s.Ask("POST", "/api/messaging/servers", fields{"name": "x", "sourceType": "x"}, "Cookie", cookie).Refused(401, problem.CodeAuthRequired)
	s.Ask("POST", "/api/messaging/servers", fields{"name": "x", "sourceType": "x"}, "X-API-KEY", "s3cret").Is(201)
	if actor := s.Last().Meta.Actor; actor != "key:default" {
		t.Errorf("actor: %s", actor)
	}
	if strings.Contains(s.Logs.String(), "s3cret") {
		t.Error("the key is in the log")
	}
}

func TestHealthNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if got := s.Ask("GET", "/api/server/health", nil).Is(200); got.Text("dependencies.agents") != "no_agents" {
		t.Errorf("without agents: %s", got.Body)
	}
	s.Health = func() server.Health {
		return server.Health{Dependencies: map[string]string{"database": "gone", "eventStore": ""}}
	}
	got := s.Ask("GET", "/api/server/health", nil).Refused(503, problem.CodeUnavailable)
	for _, part := range []string{`"database":"unhealthy: gone"`, `"eventStore":"healthy"`, `"version":"1.2.3"`} {
		if !strings.Contains(string(got.Body), part) {
			t.Errorf("%s is not in %s", part, got.Body)
		}
	}
}

func TestThisMachineMayStopTheServerAndNoPageMay(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) { o.Frame.CORSOrigin = "https://a.example" })
	s.Ask("POST", "/api/server/stop", nil, "Origin", "https://a.example").Refused(403, problem.CodeForbidden)
	s.Ask("POST", "/api/server/stop", nil).Is(200)
	<-s.Stopped
}

func TestADatabaseThatIsAwayIsA503AndWritesAreStillAnswered(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Pool.Close()
	if got := s.Ask("GET", "/api/agents", nil).Refused(503, problem.CodeDatabase); got.Header.Get("Retry-After") == "" {
		t.Error("without Retry-After")
	}
	s.Ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).Is(201)
}

func TestAPanicIsAnsweredAndLoggedAndTheServerGoesOn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Health = func() server.Health { panic("secret of the code") }
	if got := s.Ask("GET", "/api/server/health", nil).Refused(500, problem.CodeInternal); strings.Contains(string(got.Body), "secret") {
		t.Errorf("the answer tells: %s", got.Body)
	}
	if log := s.Logs.String(); !strings.Contains(log, "secret of the code") || !strings.Contains(log, "status.go") {
		t.Errorf("log: %s", log)
	}
	s.Ask("GET", "/api/server/ping", nil).Is(200)
}

func TestAnUnknownErrorIsLoggedAndNotTold(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *httpapi.Options) {
		o.Frame.Head = func(context.Context) (events.Position, error) { return 0, fmt.Errorf("disk on fire") }
	})
	token := events.Token{Log: s.Log, Position: 1 << 40}.String()
	if got := s.Ask("GET", "/api/agents", nil, "X-Annals-After", token).Refused(500, problem.CodeInternal); strings.Contains(string(got.Body), "fire") {
		t.Errorf("the answer tells: %s", got.Body)
	}
	if !strings.Contains(s.Logs.String(), "disk on fire") {
		t.Error("nothing was logged")
	}
}

func TestTheDescriptionRefersToNothingThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var spec struct {
		OpenAPI    string
		Info       struct{ Title, Version string }
		Components map[string]map[string]any
	}
	raw := s.Ask("GET", "/api/openapi.json", nil).Is(200).Body
	must(t, json.Unmarshal(raw, &spec))
	if !strings.HasPrefix(spec.OpenAPI, "3.1.") || spec.Info.Version != "1.2.3" {
		t.Errorf("%s %+v", spec.OpenAPI, spec.Info)
	}
	for _, ref := range references(raw) {
		kind, name, ok := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
		if !ok || spec.Components[kind][name] == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	}
}

func references(raw []byte) (all []string) {
	for _, part := range strings.Split(string(raw), `"$ref":"`)[1:] {
		ref, _, _ := strings.Cut(part, `"`)
		all = append(all, ref)
	}
	return all
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, path := range []string{"/api", "/api/", "/api/docs", "/api/docs/"} {
		page := s.Ask("GET", path, nil).Is(200)
		if !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || strings.Contains(string(page.Body), `src="http`) {
			t.Errorf("%s: %s", path, page.Body)
		}
	}
	if script := s.Ask("GET", "/api/docs/swagger-ui-bundle.js", nil).Is(http.StatusOK); len(script.Body) < 100_000 {
		t.Errorf("the script has %d bytes", len(script.Body))
	}
}

func TestABodyThatNeverEndsIsCutOff(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for name, body := range map[string]io.Reader{"announced": bytes.NewReader(make([]byte, 3*frame.MaxBody)), "in chunks": io.LimitReader(zeros{}, 3*frame.MaxBody)} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/messaging/servers", body)
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		response, err := httpapitest.Described().Transport(http.DefaultTransport, func(err error) { s.T.Error(err) }).RoundTrip(r)
		must(t, err)
		raw, err := io.ReadAll(response.Body)
		must(t, err)
		must(t, response.Body.Close())
		answered{T: t, What: name, Status: response.StatusCode, Header: response.Header, Body: raw}.Refused(413, problem.CodeTooLarge)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// exchange sends bytes over a connection of their own, and returns what comes back until the server closes it.
func exchange(t *testing.T, s *fixture, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")) //nolint:noctx // it is listened to
	must(t, err)
	defer func() { must(t, conn.Close()) }()
	must(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(conn, request)
	must(t, err)
	text, err := io.ReadAll(conn)
	must(t, err)
	return string(text)
}

// A head with a length and chunks means one body to us and perhaps another to a proxy: what follows it is no request.
func TestWhatFollowsABodyOfTwoLengthsIsNoRequest(t *testing.T) {
	t.Parallel()
	said := exchange(t, serve(t), "POST /api/messaging/servers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/server/ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if strings.Count(said, "HTTP/1.1 ") != 1 || !strings.Contains(said, "Connection: close") {
		t.Errorf("answered with %s", said)
	}
}

// A client that asks whether it may send a body that is too large is refused before it sends it.
func TestABodyThatIsTooLargeIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	said := exchange(t, serve(t), fmt.Sprintf("POST /api/messaging/servers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", 3*frame.MaxBody))
	if !strings.HasPrefix(said, "HTTP/1.1 413 ") {
		t.Errorf("answered with %s", said)
	}
}
