// Package openaitest is an endpoint for chat completions and embeddings on the loopback that behaves, or misbehaves, as it
// is told.
package openaitest

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"annals/transport/models/modelstest"
)

// Script says what the endpoint does. The zero value answers every request with "Hello."
type Script struct {
	Answer func(Request) string // what the model says; must be safe for concurrent use
	// Embed gives a text's vector, of the length asked for, or 0; must be safe for concurrent use. Nil: see Words.
	Embed func(text string, dimensions int) []float64

	// Requests of each kind are counted on their own.
	Fail       int           // so many requests fail first …
	Status     int           // … with this status; 500 if zero
	RetryAfter string        // … and this header
	Drop       int           // so many requests lose their connection then: the first without an answer, the others within it
	Delay      time.Duration // before each answer; ends early when the caller leaves
	Raw        string        // the body of every success, in place of what was asked for

	Reasoning map[string]string // what is sent in fields of their own, such as reasoning_content
	Letters   bool              // an answer that is streamed comes letter by letter, not word by word

	Plain   int           // the endpoint does not stream: it answers so with this status; 200 is an answer as a whole
	Between time.Duration // between the words of an answer that is streamed
	Break   int           // so many streamed answers break off in their midst: the connection, with an error, or silently
}

// Request is what was asked, as far as it matters here.
type Request struct {
	Model               string    `json:"model"`
	Messages            []Message `json:"messages"`
	MaxTokens           int       `json:"max_tokens"`
	MaxCompletionTokens int       `json:"max_completion_tokens"`
	Stream              bool      `json:"stream"`
	Authorization       string    `json:"-"`
}

// Message is one message of the conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Server is a running endpoint.
type Server struct {
	modelstest.Endpoint
	URL string // the base URL, with /v1

	script   Script
	asked    modelstest.Asked[Request]
	embedded modelstest.Asked[EmbeddingRequest]
}

// Start serves the script on a free port until the test ends.
func Start(t testing.TB, script Script) *Server {
	t.Helper()
	s := &Server{script: script}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.complete)
	mux.HandleFunc("POST /v1/embeddings", s.embed)
	s.Listen(t, mux)
	s.URL = s.Root + "/v1"
	return s
}

// Requests are those that have come in so far, oldest first.
func (s *Server) Requests() []Request { return s.asked.All() }

func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	asked := Request{Authorization: r.Header.Get("Authorization")}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		fail(w, http.StatusBadRequest, asked.Authorization)
		return
	}
	n := s.asked.Add(asked)
	if asked.Stream && n > s.script.Fail+s.script.Drop && s.script.Raw == "" && s.script.Plain != http.StatusOK {
		s.stream(w, r, n, asked)
		return
	}
	s.answer(w, r, n, asked.Authorization, func() []byte { return s.completion(asked) })
}

// answer does what the script says with the n-th request of its kind.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, n int, authorization string, body func() []byte) {
	switch script := s.script; {
	case !s.Pause(r, script.Delay):
	case n <= script.Fail:
		if script.RetryAfter != "" {
			w.Header().Set("Retry-After", script.RetryAfter)
		}
		fail(w, cmp.Or(script.Status, http.StatusInternalServerError), authorization)
	case n <= script.Fail+script.Drop:
		if n > script.Fail+1 {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"choices":[`))
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	default:
		w.Header().Set("Content-Type", "application/json")
		if script.Raw != "" {
			_, _ = w.Write([]byte(script.Raw))
			return
		}
		_, _ = w.Write(body())
	}
}

func (s *Server) completion(asked Request) []byte {
	text := "Hello."
	if s.script.Answer != nil {
		text = s.script.Answer(asked)
	}
	prompt := 0
	for _, m := range asked.Messages {
		prompt += len(strings.Fields(m.Content))
	}
	said := len(strings.Fields(text))
	message := map[string]string{"role": "assistant", "content": text}
	maps.Copy(message, s.script.Reasoning)
	body, err := json.Marshal(map[string]any{
		"id": "chatcmpl-test", "object": "chat.completion", "created": 0, "model": asked.Model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": "stop", "message": message}},
		"usage":   map[string]int{"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said},
	})
	if err != nil {
		panic(err) // only strings and numbers: cannot be
	}
	return body
}

// fail repeats the key in its message, as endpoints do.
func fail(w http.ResponseWriter, status int, authorization string) {
	body, err := json.Marshal(map[string]any{"error": map[string]any{
		"message": "Not with " + authorization, "type": "test", "code": "as_the_test_wants", "param": nil,
	}})
	if err != nil {
		panic(err) // only strings: cannot be
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
