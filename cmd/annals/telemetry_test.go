package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"annals/cmd/internal/node"
	"annals/cmd/internal/telemetry"
	"annals/transport/models/openai/openaitest"
)

// talk has an agent answer, waits for that, and gives the message that it answered.
func (c *client) talk(t testing.TB, headers ...string) string {
	t.Helper()
	channel := c.channel(t, "DM", c.runningAgent(t, "Listener"))
	a := c.must(t, http.StatusCreated, http.MethodPost, "/api/messaging/central-channels/"+channel+"/messages?wait=reply", map[string]any{
		"author_id": somebody, "server_id": defaultServer, "content": "I feel at home here.",
	}, headers...)
	var m message
	if err := a.data(&m); err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func TestWhatTheServerDoesIsCounted(t *testing.T) {
	t.Parallel()
	model := openaitest.Start(t, openaitest.Script{})
	s := inside(t, speaking(model))
	s.talk(t)
	s.must(t, http.StatusNotFound, http.MethodGet, "/api/agents/"+somebody, nil)
	s.must(t, http.StatusNotFound, http.MethodGet, "/nowhere/"+somebody, nil)
	w := s.watch(t, `{"subscribe":{}}`)
	w.until(t, caughtUp)
	eventually(t, time.Minute, "the answer was dealt with, too", func() bool {
		told := s.must(t, http.StatusOK, http.MethodGet, "/metrics", nil).body
		return strings.Contains(string(told), "\nannals_reactions_total{outcome=\"done\",reaction=\"reply\"} 2")
	})
	told := string(s.must(t, http.StatusOK, http.MethodGet, "/metrics", nil).body)
	for _, want := range []string{
		`annals_commands_total{command="SubmitMessage",outcome="changed"} 2`,
		`annals_commands_total{command="CompleteTurn",outcome="changed"} 1`,
		`annals_command_duration_seconds_count{command="CreateAgent"} 1`,
		`annals_facts_total{type="TurnCompleted"} 1`,
		`annals_appends_total{outcome="recorded"} `,
		`annals_append_duration_seconds_count `,
		`annals_projection_lag_events{group="core",projection="messages"} `,
		`annals_projection_lag_seconds{group="core",projection="messages"} `,
		`annals_projection_stopped{group="core",projection="messages"} 0`,
		`annals_model_calls_total{kind="TEXT_LARGE",outcome="answered",provider="openai-compatible"} 1`,
		`annals_model_call_duration_seconds_count{kind="TEXT_LARGE",provider="openai-compatible"} 1`,
		`annals_model_tokens_total{kind="TEXT_LARGE",part="completion",provider="openai-compatible"} 1`,
		`annals_sockets{kind="ws"} 1`,
		`annals_sockets{kind="socket.io"} 0`,
		`annals_http_requests_total{method="GET",route="/api/agents/:agentId",status="404"} 1`,
		`annals_http_requests_total{method="GET",route="none",status="404"} 1`,
		`annals_http_requests_total{method="POST",route="/api/agents",status="201"} 1`,
		`annals_http_request_duration_seconds_count{method="POST",route="/api/agents"} `, // one that is refused is asked again
		`annals_parked_events{reaction="reply"} 0`,
		`annals_build_info{version="`, `go_goroutines `, `process_open_fds `,
	} {
		if !strings.Contains(told, "\n"+want) {
			t.Errorf("missing: %s", want)
		}
	}
	for line := range strings.Lines(told) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "# TYPE "), " ")
		if strings.HasPrefix(line, "# TYPE ") && !strings.Contains(told, "# HELP "+name+" ") {
			t.Errorf("what %s means is not said", name)
		}
	}
	if id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-`).FindString(told); id != "" {
		t.Errorf("a label tells of %s…", id)
	}
}

func TestTheCountersAreBehindTheKey(t *testing.T) {
	t.Parallel()
	s := inside(t, func(c *node.Config) { c.Key = "secret" })
	s.must(t, http.StatusUnauthorized, http.MethodGet, "/metrics", nil)
	s.must(t, http.StatusOK, http.MethodGet, "/metrics", nil, "X-API-KEY", "secret")
}

// spans is a collector of OpenTelemetry's that keeps what it gets.
type spans struct {
	mu  sync.Mutex
	all []*otlp.Span
}

func (s *spans) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent collector.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, resource := range sent.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			s.all = append(s.all, scope.GetSpans()...)
		}
	}
}

// chain names the spans from the outermost to each that has this name, within a trace.
func (s *spans) chains(trace, name string) (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byID := map[string]*otlp.Span{}
	for _, span := range s.all {
		byID[string(span.GetSpanId())] = span
	}
	for _, span := range s.all {
		if span.GetName() != name || hex.EncodeToString(span.GetTraceId()) != trace {
			continue
		}
		var chain []string
		for at := span; at != nil; at = byID[string(at.GetParentSpanId())] {
			chain = append(chain, at.GetName())
		}
		slices.Reverse(chain)
		all = append(all, strings.Join(chain, " > "))
	}
	return all
}

func TestATraceLeadsFromTheRequestThroughTheLogToThePush(t *testing.T) {
	t.Parallel()
	collected := &spans{}
	server := httptest.NewServer(collected)
	t.Cleanup(server.Close)
	s := inside(t, func(c *node.Config) { c.TracesURL = server.URL })
	const trace = "0af7651916cd43dd8448eb211c80319c"
	s.talk(t, "Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	const request = "POST /api/messaging/central-channels/:channelId/messages"
	const said = request + " > command SubmitMessage"
	for name, want := range map[string]string{
		request:                 request,
		"command SubmitMessage": said,
		"append":                said + " > append",
		"project core":          said + " > project core",
		"push socket.io":        said + " > push socket.io",
		"push /ws":              said + " > push /ws",
		"reaction reply":        said + " > reaction reply",
		"model TEXT_LARGE":      said + " > reaction reply > model TEXT_LARGE",
		"command CompleteTurn":  said + " > reaction reply > command CompleteTurn",
	} {
		eventually(t, time.Minute, name+" is traced", func() bool { return slices.Contains(collected.chains(trace, name), want) })
	}
	answer := said + " > reaction reply > command SubmitMessage"
	for _, name := range []string{"project core", "push /ws", "push socket.io"} {
		eventually(t, time.Minute, name+" of the answer is traced", func() bool {
			return slices.Contains(collected.chains(trace, name), answer+" > "+name)
		})
	}
}

func TestAnAddressForTracesThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	if err := telemetry.CheckURL("nowhere"); err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_ENDPOINT") {
		t.Errorf("got %v", err)
	}
}
