package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"annals/events"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/server"
	"annals/transport/problem"
)

func TestUnknownPathsAndMethodsAreToldInTheEnvelope(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.ask("GET", "/api/does-not-exist", nil).refused(404, problem.CodeNotFound)
	s.ask("GET", "/elsewhere", nil).refused(404, problem.CodeNotFound)
	if allow := s.ask("DELETE", "/api/agents", nil).refused(405, problem.CodeNoMethod).header.Get("Allow"); !strings.Contains(allow, "POST") {
		t.Errorf("Allow: %q", allow)
	}
	if got := s.ask("HEAD", "/api/server/ping", nil).is(200); len(got.body) != 0 {
		t.Errorf("HEAD has a body: %s", got.body)
	}
	s.ask("GET", "/api/server/ping/", nil).is(200)
	s.ask("GET", "/API/Server/PING", nil).is(200)
	s.ask("HEAD", "/Api/Server/Ping/", nil).is(200)
}

func TestEveryAnswerCarriesTheRecordedHeaders(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *Options) { o.Frame.RateLimit = true })
	got := s.ask("GET", "/api/server/ping", nil).is(200)
	for name, want := range map[string]string{
		"RateLimit-Policy": "1000;w=900", "RateLimit-Limit": "1000", "RateLimit-Remaining": "999", "RateLimit-Reset": "900",
		"Content-Type": "application/json; charset=utf-8", "Vary": "Origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "cross-origin", "Origin-Agent-Cluster": "?1",
		"Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=31536000; includeSubDomains", "X-Content-Type-Options": "nosniff",
		"X-Dns-Prefetch-Control": "off", "X-Download-Options": "noopen", "X-Frame-Options": "SAMEORIGIN",
		"X-Permitted-Cross-Domain-Policies": "none", "X-Xss-Protection": "1; mode=block",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q", name, got.header.Get(name))
		}
	}
	if policy := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'self';") {
		t.Errorf("policy: %s", policy)
	}
}

func TestWhoAsksTooOftenIsTurnedAway(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *Options) { o.Frame.RateLimit = true })
	for range 1000 { // as many as it may
		r := httptest.NewRequest(http.MethodGet, "http://localhost/api/server/ping", nil)
		r.RemoteAddr = "127.0.0.1:1"
		s.api.ServeHTTP(httptest.NewRecorder(), r)
	}
	if got := s.ask("GET", "/api/server/ping", nil).refused(429, problem.CodeRateLimited); got.header.Get("Retry-After") == "" {
		t.Error("without Retry-After")
	}
	s.ask("OPTIONS", "/api/agents", nil).is(204)
}

func TestBareAnswersHaveTheirFieldsTwice(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for path, key := range map[string]string{
		"/api/server/ping": "pong", "/api/server/hello": "message", "/api/server/status": "agentCount", "/api/server/health": "dependencies",
		"/api/system/version": "environment", "/api/server/debug/servers": "count",
	} {
		got := s.ask("GET", path, nil).is(200)
		var top map[string]any
		must(t, json.Unmarshal(got.body, &top))
		if top[key] == nil || got.at(key) == nil || top["success"] != true {
			t.Errorf("%s: %s", path, got.body)
		}
	}
}

func TestOnlyNamedOriginsMayCall(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *Options) { o.Frame.CORSOrigin = "https://a.example, https://b.example" })
	for origin, want := range map[string]string{
		"https://a.example": "https://a.example", "https://evil.example": "", "http://localhost:5173": "http://localhost:5173",
		"http://127.0.0.1:80": "http://127.0.0.1:80", "http://localhost.evil.example": "", "null": "",
	} {
		got := s.ask("GET", "/api/server/ping", nil, "Origin", origin).is(200)
		if got.header.Get("Access-Control-Allow-Origin") != want || (want != "") != (got.header.Get("Access-Control-Allow-Credentials") == "true") {
			t.Errorf("%s: %v", origin, got.header)
		}
		preflight := s.ask("OPTIONS", "/api/agents", nil, "Origin", origin, "Access-Control-Request-Method", "POST").is(204)
		if preflight.header.Get("Access-Control-Allow-Origin") != want {
			t.Errorf("preflight of %s: %v", origin, preflight.header)
		}
	}
	s.untouched(func() {
		s.ask("POST", "/api/messaging/servers", fields{"name": "x", "sourceType": "x"}, "Origin", "https://evil.example").refused(403, problem.CodeForbidden)
	})
}

func TestWithoutAKeyOnlyLoopbackNamesAreAnswered(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *Options) { o.Frame.Host = "box.example" })
	for host, status := range map[string]int{
		"localhost": 200, "localhost:3000": 200, "127.0.0.1:3000": 200, "[::1]:3000": 200, "127.9.9.9": 200, "box.example:3000": 200,
		"evil.example": 403, "evil.example:3000": 403, "127.0.0.1.evil.example": 403,
	} {
		if got := s.ask("GET", "/api/server/ping", nil, "Host", host); got.status != status {
			t.Errorf("%s: %d", host, got.status)
		}
	}
}

func TestAKeyIsNeededWhereOneIsSet(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *Options) { o.Frame.Key = "s3cret" })
	for _, r := range Routes() {
		path := address(r.Path, unknown)
		if path != "/" && !strings.HasPrefix(path, "/dashboard/") && path != "/api/server/ping" && path != "/api/server/health" && path != socketIO {
			s.ask(r.Method, path, nil).refused(401, problem.CodeAuthRequired)
		}
	}
	s.ask("GET", "/api/unknown", nil).refused(401, problem.CodeAuthRequired)
	s.ask("GET", "/API/Agents", nil).refused(401, problem.CodeAuthRequired)
	s.ask("GET", "/API/unknown", nil).refused(401, problem.CodeAuthRequired)
	s.ask("GET", "/api/agents", nil, "X-API-KEY", "wrong").refused(401, problem.CodeAuthRequired)
	s.ask("GET", "/api/agents", nil, "Authorization", "Bearer wrong").refused(401, problem.CodeAuthRequired)
	s.ask("GET", "/api/agents?apiKey=s3cret", nil).refused(401, problem.CodeAuthRequired)
	s.ask("GET", "/api/agents", nil, "Authorization", "Bearer s3cret").is(200)
	s.ask("OPTIONS", "/api/agents", nil).is(204)
	s.ask("GET", "/api/server/ping", nil, "Host", "anything.example").is(200)
	if got := s.ask("GET", "/api/server/health", nil).is(200); strings.Contains(string(got.body), "dependencies") {
		t.Errorf("health tells strangers: %s", got.body)
	}
	good := s.ask("GET", "/api/agents", nil, "X-API-KEY", "s3cret").is(200)
	set := good.header.Get("Set-Cookie")
	if !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Strict") || strings.Contains(set, "s3cret") {
		t.Errorf("cookie: %s", set)
	}
	cookie, _, _ := strings.Cut(set, ";")
	s.ask("GET", "/api/agents", nil, "Cookie", cookie).is(200)
	s.ask("GET", "/api/agents", nil, "Cookie", cookie+"0").refused(401, problem.CodeAuthRequired)
	s.ask("POST", "/api/messaging/servers", fields{"name": "x", "sourceType": "x"}, "Cookie", cookie).refused(401, problem.CodeAuthRequired)
	s.ask("POST", "/api/messaging/servers", fields{"name": "x", "sourceType": "x"}, "X-API-KEY", "s3cret").is(201)
	if actor := s.last().Meta.Actor; actor != "key:default" {
		t.Errorf("actor: %s", actor)
	}
	if strings.Contains(s.logs.String(), "s3cret") {
		t.Error("the key is in the log")
	}
}

func TestHealthNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if got := s.ask("GET", "/api/server/health", nil).is(200); got.text("dependencies.agents") != "no_agents" {
		t.Errorf("without agents: %s", got.body)
	}
	s.health = func() server.Health {
		return server.Health{Dependencies: map[string]string{"database": "gone", "eventStore": ""}}
	}
	got := s.ask("GET", "/api/server/health", nil).refused(503, problem.CodeUnavailable)
	for _, part := range []string{`"database":"unhealthy: gone"`, `"eventStore":"healthy"`, `"version":"1.2.3"`} {
		if !strings.Contains(string(got.body), part) {
			t.Errorf("%s is not in %s", part, got.body)
		}
	}
}

func TestThisMachineMayStopTheServerAndNoPageMay(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *Options) { o.Frame.CORSOrigin = "https://a.example" })
	s.ask("POST", "/api/server/stop", nil, "Origin", "https://a.example").refused(403, problem.CodeForbidden)
	s.ask("POST", "/api/server/stop", nil).is(200)
	<-s.stopped
}

func TestADatabaseThatIsAwayIsA503AndWritesAreStillAnswered(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.pool.Close()
	if got := s.ask("GET", "/api/agents", nil).refused(503, problem.CodeDatabase); got.header.Get("Retry-After") == "" {
		t.Error("without Retry-After")
	}
	s.ask("POST", chat+"/messages", fields{"author_id": ann, "content": "x", "server_id": "0"}).is(201)
}

func TestAPanicIsAnsweredAndLoggedAndTheServerGoesOn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.health = func() server.Health { panic("secret of the code") }
	if got := s.ask("GET", "/api/server/health", nil).refused(500, problem.CodeInternal); strings.Contains(string(got.body), "secret") {
		t.Errorf("the answer tells: %s", got.body)
	}
	if log := s.logs.String(); !strings.Contains(log, "secret of the code") || !strings.Contains(log, "status.go") {
		t.Errorf("log: %s", log)
	}
	s.ask("GET", "/api/server/ping", nil).is(200)
}

func TestAnUnknownErrorIsLoggedAndNotTold(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *Options) {
		o.Frame.Head = func(context.Context) (events.Position, error) { return 0, fmt.Errorf("disk on fire") }
	})
	token := events.Token{Log: s.log, Position: 1 << 40}.String()
	if got := s.ask("GET", "/api/agents", nil, "X-Annals-After", token).refused(500, problem.CodeInternal); strings.Contains(string(got.body), "fire") {
		t.Errorf("the answer tells: %s", got.body)
	}
	if !strings.Contains(s.logs.String(), "disk on fire") {
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
	raw := s.ask("GET", "/api/openapi.json", nil).is(200).body
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
		page := s.ask("GET", path, nil).is(200)
		if !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") || strings.Contains(string(page.body), `src="http`) {
			t.Errorf("%s: %s", path, page.body)
		}
	}
	if script := s.ask("GET", "/api/docs/swagger-ui-bundle.js", nil).is(http.StatusOK); len(script.body) < 100_000 {
		t.Errorf("the script has %d bytes", len(script.body))
	}
}

func TestABodyThatNeverEndsIsCutOff(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for name, body := range map[string]io.Reader{"announced": bytes.NewReader(make([]byte, 3*frame.MaxBody)), "in chunks": io.LimitReader(zeros{}, 3*frame.MaxBody)} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/messaging/servers", body)
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		response, err := description().Transport(http.DefaultTransport, func(err error) { s.t.Error(err) }).RoundTrip(r)
		must(t, err)
		raw, err := io.ReadAll(response.Body)
		must(t, err)
		must(t, response.Body.Close())
		answered{t, name, response.StatusCode, response.Header, raw}.refused(413, problem.CodeTooLarge)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
