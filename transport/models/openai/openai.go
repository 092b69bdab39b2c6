// Package openai speaks through any endpoint with OpenAI's chat completions: OpenAI itself, Ollama, vLLM, llama.cpp.
package openai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"annals/commands/reactions"
)

const (
	// maxResponse bounds what is read of one response, in bytes: below what a message may hold as an event.
	maxResponse = 512 << 10
	// decisionTokens is enough for a word. A model that thinks aloud first does not come to it, and so responds.
	decisionTokens = 64
)

// Options say where the model is and how long it may take. Only Model is needed; an endpoint of one's own may want no key.
type Options struct {
	APIKey    string
	BaseURL   string // up to and including /v1; OpenAI's own if empty
	Model     string
	Timeout   time.Duration // of one attempt; 100 s if zero, as a model on a small machine may need 90
	Budget    time.Duration // of all attempts together; 120 s if zero
	MaxTokens int           // of an answer; if zero, what the endpoint thinks right
}

// Model is one model at one endpoint.
type Model struct {
	endpoint
	chat       openai.ChatCompletionService
	maxTokens  int
	compatible bool // not OpenAI's own endpoint
}

var (
	_ reactions.Text    = (*Model)(nil)
	_ reactions.Decider = (*Model)(nil)
)

// New asks nothing yet: a wrong key or name shows at the first Generate. The environment has no say.
func New(o Options) *Model {
	budget := cmp.Or(o.Budget, 120*time.Second)
	return &Model{
		endpoint:   endpoint{name: o.Model, timeout: min(cmp.Or(o.Timeout, 100*time.Second), budget), budget: budget, mask: masking(o.APIKey)},
		chat:       openai.NewChatCompletionService(client(o.APIKey, o.BaseURL, maxResponse)...),
		maxTokens:  o.MaxTokens,
		compatible: o.BaseURL != "",
	}
}

// client describes how an endpoint is asked; each response ends after so many bytes.
func client(key, baseURL string, limit int64) []option.RequestOption {
	options := []option.RequestOption{
		option.WithEnvironmentProduction(),
		option.WithHTTPClient(&http.Client{Transport: bounded{http.DefaultTransport, limit}}),
		option.WithAPIKey(key),
		option.WithMaxRetries(0), // ours keep to one budget and also repeat an answer that was cut off
	}
	if baseURL != "" {
		options = append(options, option.WithBaseURL(baseURL))
	}
	return options
}

// masking takes the key out of texts.
func masking(key string) func(string) string {
	if key == "" {
		return func(s string) string { return s }
	}
	return strings.NewReplacer(key, "[key]").Replace
}

// Provider implements reactions.Provider.
func (m *Model) Provider() string {
	if m.compatible {
		return "openai-compatible"
	}
	return "openai"
}

// Generate answers as the agent, in plain text and without its name in front.
func (m *Model) Generate(ctx context.Context, p reactions.Prompt) (reactions.Completion, error) {
	began := time.Now()
	answer, err := m.ask(ctx, conversation(p), m.maxTokens)
	if err != nil {
		return reactions.Completion{}, err
	}
	said := answer.Choices[0].Message
	return reactions.Completion{
		Text:             spoken(p.Agent, cmp.Or(said.Content, said.Refusal)),
		Model:            cmp.Or(answer.Model, m.name),
		PromptTokens:     int(answer.Usage.PromptTokens),
		CompletionTokens: int(answer.Usage.CompletionTokens),
		Duration:         time.Since(began),
	}, nil
}

// ShouldReply asks the model for one word. Only a clear IGNORE keeps the agent silent.
func (m *Model) ShouldReply(ctx context.Context, p reactions.Prompt) (bool, error) {
	answer, err := m.ask(ctx, question(p), decisionTokens)
	if err != nil {
		return true, err
	}
	word := strings.ToUpper(answer.Choices[0].Message.Content)
	return strings.Contains(word, "RESPOND") || !strings.Contains(word, "IGNORE"), nil
}

// bounded ends every response after limit bytes with an error.
type bounded struct {
	http.RoundTripper
	limit int64
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = body{http.MaxBytesReader(nil, response.Body, b.limit)}
	}
	return response, err
}

// errCut marks a response that did not arrive whole. The client's own error for one looks like that for bad JSON.
var errCut = errors.New("the response broke off")

type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped io.EOF does not end a reader, so none comes wrapped
		err = fmt.Errorf("%w: %w", errCut, err)
	}
	return n, err
}
