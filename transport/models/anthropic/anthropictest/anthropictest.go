// Package anthropictest is Anthropic's Messages API on the loopback, as far as it is used, which behaves, or misbehaves, as
// it is told.
package anthropictest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"annals/transport/models/modelstest"
)

// Script says what the endpoint does. The zero value answers every request with "Hello."
type Script struct {
	Answer func(Request) string // what the model says; must be safe for concurrent use

	Fail       int           // so many requests fail first …
	Status     int           // … with this status; 529 if zero
	RetryAfter string        // … and this header
	Drop       int           // so many requests lose their connection then, without an answer
	Break      int           // so many answers break off in their midst then: the connection, with an error, or silently
	Delay      time.Duration // before each answer; ends early when the caller leaves
	Between    time.Duration // between the words of an answer
	Raw        string        // the body of every success, in place of a message
}

// Request is what was asked, as far as it matters here.
type Request struct {
	Model     string    `json:"model"`
	System    []Block   `json:"system"`
	Messages  []Message `json:"messages"`
	MaxTokens int       `json:"max_tokens"`
	Stream    bool      `json:"stream"`
	Key       string    `json:"-"`
}

// Message is one message of the conversation, Block a piece of text.
type (
	Message struct {
		Role    string  `json:"role"`
		Content []Block `json:"content"`
	}
	Block struct {
		Text string `json:"text"`
	}
)

// Server is a running endpoint.
type Server struct {
	modelstest.Endpoint
	URL string // the base URL, without /v1

	script Script
	asked  modelstest.Asked[Request]
}

// Start serves the script on a free port until the test ends.
func Start(t testing.TB, script Script) *Server {
	t.Helper()
	s := &Server{script: script}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/messages", s.message)
	s.Listen(t, mux)
	s.URL = s.Root
	return s
}

// Requests are those that have come in so far, oldest first.
func (s *Server) Requests() []Request { return s.asked.All() }

func (s *Server) message(w http.ResponseWriter, r *http.Request) {
	asked := Request{Key: r.Header.Get("X-Api-Key")}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("Anthropic-Version") == "" || !asked.Stream {
		fail(w, http.StatusBadRequest, asked)
		return
	}
	n := s.asked.Add(asked)
	switch script := s.script; {
	case wrong(asked):
		fail(w, http.StatusBadRequest, asked)
	case !s.Pause(r, script.Delay):
	case n <= script.Fail:
		if script.RetryAfter != "" {
			w.Header().Set("Retry-After", script.RetryAfter)
		}
		fail(w, cmp.Or(script.Status, 529), asked)
	case n <= script.Fail+script.Drop:
		panic(http.ErrAbortHandler)
	case script.Raw != "":
		_, _ = w.Write([]byte(script.Raw))
	default:
		s.stream(w, r, n, asked)
	}
}

// wrong holds what the API refuses: the other side begins, sides alternate, and nothing is blank.
func wrong(asked Request) bool {
	role := "user"
	for _, m := range asked.Messages {
		if m.Role != role || len(m.Content) != 1 || strings.TrimSpace(m.Content[0].Text) == "" {
			return true
		}
		role = map[string]string{"user": "assistant", "assistant": "user"}[role]
	}
	return role == "user" || asked.MaxTokens < 1
}

// stream answers word by word: it thinks first, and pings in between.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, n int, asked Request) {
	text := "Hello."
	if s.script.Answer != nil {
		text = s.script.Answer(asked)
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	send(w, "message_start", `{"message":{"id":"msg_test","type":"message","role":"assistant","model":%q,"content":[],"usage":{"input_tokens":%d,"output_tokens":1}}}`,
		asked.Model, tokens(asked))
	send(w, "content_block_start", `{"index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`)
	send(w, "content_block_delta", `{"index":0,"delta":{"type":"thinking_delta","thinking":"What is meant?"}}`)
	send(w, "content_block_stop", `{"index":0}`)
	send(w, "content_block_start", `{"index":1,"content_block":{"type":"text","text":""}}`)
	send(w, "ping", `{}`)
	words := strings.SplitAfter(text, " ")
	for i, word := range words {
		if i == len(words)/2 && n <= s.script.Fail+s.script.Drop+s.script.Break {
			breakOff(w, n, asked)
			return
		}
		send(w, "content_block_delta", `{"index":1,"delta":{"type":"text_delta","text":%s}}`, quoted(word))
		if !s.Pause(r, s.script.Between) {
			return
		}
	}
	send(w, "content_block_stop", `{"index":1}`)
	send(w, "message_delta", `{"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":%d}}`, len(strings.Fields(text)))
	send(w, "message_stop", `{}`)
}

func breakOff(w http.ResponseWriter, n int, asked Request) {
	switch n % 3 {
	case 0:
		panic(http.ErrAbortHandler)
	case 1:
		send(w, "error", `{"error":{"type":"overloaded_error","message":%q}}`, "Not with "+asked.Key)
	}
}

// send sends an event; each repeats its name.
func send(w http.ResponseWriter, event, format string, args ...any) {
	data := strings.Replace(fmt.Sprintf(format, args...), "{", fmt.Sprintf(`{"type":%q,`, event), 1)
	_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, strings.Replace(data, ",}", "}", 1))
	_ = http.NewResponseController(w).Flush()
}

func quoted(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always can be
	}
	return string(raw)
}

func tokens(asked Request) (n int) {
	for _, m := range asked.Messages {
		n += len(strings.Fields(m.Content[0].Text))
	}
	return n
}

// fail repeats the key in its message, as endpoints may.
func fail(w http.ResponseWriter, status int, asked Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"type":"error","error":{"type":"as_the_test_wants","message":%q}}`, "Not with "+asked.Key)
}
