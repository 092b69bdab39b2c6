// Package openai speaks through any endpoint with OpenAI's chat completions: OpenAI itself, Ollama, vLLM, llama.cpp.
package openai

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"annals/commands/reactions"
	"annals/transport/models/chat"
	"annals/transport/models/remote"
)

// maxResponse bounds what is read of one response, in bytes: below what a message may hold as an event.
const maxResponse = 512 << 10

// Options say where the model is and how long it may take. Only Model is needed; an endpoint of one's own may want no key.
type Options struct {
	APIKey    string
	BaseURL   string // up to and including /v1; OpenAI's own if empty
	Model     string
	Timeout   time.Duration     // of one attempt; 100 s if zero, as a model on a small machine may need 90
	Budget    time.Duration     // of all attempts together; 120 s if zero
	MaxTokens int               // of an answer; if zero, what the endpoint thinks right
	Transport http.RoundTripper // http.DefaultTransport if nil
}

// Model is one model at one endpoint.
type Model struct {
	remote.Endpoint
	chat       openai.ChatCompletionService
	maxTokens  int
	habits     chat.Habits
	compatible bool        // not OpenAI's own endpoint
	plain      atomic.Bool // the endpoint does not stream
}

var (
	_ reactions.Text     = (*Model)(nil)
	_ reactions.Streamer = (*Model)(nil)
	_ reactions.Decider  = (*Model)(nil)
	_ reactions.Provider = (*Model)(nil)
)

// New asks nothing yet: a wrong key or name shows at the first Generate. The environment has no say.
func New(o Options) *Model {
	return &Model{
		Endpoint:   remote.New(o.Model, o.APIKey, o.Timeout, o.Budget),
		chat:       openai.NewChatCompletionService(client(o.APIKey, o.BaseURL, o.Transport, maxResponse)...),
		maxTokens:  o.MaxTokens,
		compatible: o.BaseURL != "",
	}
}

// client describes how an endpoint is asked; each response ends after so many bytes.
func client(key, baseURL string, t http.RoundTripper, limit int64) []option.RequestOption {
	options := []option.RequestOption{
		option.WithEnvironmentProduction(),
		option.WithHTTPClient(remote.Client(t, limit)),
		option.WithAPIKey(key),
		option.WithMaxRetries(0), // ours keep to one budget and also repeat an answer that was cut off
	}
	if baseURL != "" {
		options = append(options, option.WithBaseURL(baseURL))
	}
	return options
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
	said, err := m.ask(ctx, m.params(conversation(p), m.maxTokens), chat.NewAnswer(p.Agent, nil, &m.habits))
	said.Duration = time.Since(began)
	return said, err
}

// Stream implements reactions.Streamer.
func (m *Model) Stream(ctx context.Context, p reactions.Prompt, l reactions.Listener) (reactions.Completion, error) {
	began := time.Now()
	said, err := m.hear(ctx, m.params(conversation(p), m.maxTokens), chat.NewAnswer(p.Agent, l, &m.habits))
	said.Duration = time.Since(began)
	return said, err
}

// ShouldReply asks the model for one word. Only a clear IGNORE keeps the agent silent.
func (m *Model) ShouldReply(ctx context.Context, p reactions.Prompt) (bool, error) {
	said, err := m.ask(ctx, m.params(question(p), chat.DecisionTokens), chat.NewAnswer("", nil, &m.habits))
	return err != nil || chat.Decided(said.Text), err
}
