// Package anthropic speaks through Anthropic's Messages API.
package anthropic

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"annals/commands/reactions"
	"annals/transport/models/chat"
	"annals/transport/models/remote"
)

const (
	// maxResponse bounds what is read of one response, in bytes; one that is streamed may be larger.
	maxResponse = 512 << 10
	// mostTokens is how much an answer may have where nothing is said; the API wants a number.
	mostTokens = 8192
)

// Options say where the model is and how long it may take. APIKey and Model are needed.
type Options struct {
	APIKey    string
	BaseURL   string // with or without /v1; Anthropic's own if empty
	Model     string
	Timeout   time.Duration     // of one attempt; 100 s if zero
	Budget    time.Duration     // of all attempts together; 120 s if zero
	MaxTokens int               // of an answer; 8192 if zero
	Transport http.RoundTripper // http.DefaultTransport if nil
}

// Model is one model of Anthropic's.
type Model struct {
	remote.Endpoint
	messages  anthropic.MessageService
	maxTokens int
	habits    chat.Habits
}

var (
	_ reactions.Text     = (*Model)(nil)
	_ reactions.Streamer = (*Model)(nil)
	_ reactions.Decider  = (*Model)(nil)
	_ reactions.Provider = (*Model)(nil)
)

// New asks nothing yet: a wrong key or name shows at the first Generate. The environment has no say.
func New(o Options) *Model {
	options := []option.RequestOption{
		option.WithEnvironmentProduction(),
		option.WithHTTPClient(remote.Client(o.Transport, maxResponse)),
		option.WithAPIKey(o.APIKey),
		option.WithMaxRetries(0), // ours keep to one budget and also repeat an answer that was cut off
	}
	if url := base(o.BaseURL); url != "" {
		options = append(options, option.WithBaseURL(url))
	}
	return &Model{
		Endpoint:  remote.New(o.Model, o.APIKey, o.Timeout, o.Budget),
		messages:  anthropic.NewMessageService(options...),
		maxTokens: cmp.Or(o.MaxTokens, mostTokens),
	}
}

// base is a base URL without the /v1 that the client adds.
func base(url string) string { return strings.TrimSuffix(strings.TrimSuffix(url, "/"), "/v1") }

// Provider implements reactions.Provider.
func (*Model) Provider() string { return "anthropic" }

// Generate answers as the agent, in plain text and without its name in front.
func (m *Model) Generate(ctx context.Context, p reactions.Prompt) (reactions.Completion, error) {
	return m.Stream(ctx, p, nil)
}

// Stream implements reactions.Streamer.
func (m *Model) Stream(ctx context.Context, p reactions.Prompt, l reactions.Listener) (reactions.Completion, error) {
	began := time.Now()
	said, err := m.ask(ctx, conversation(p), m.maxTokens, chat.NewAnswer(p.Agent, l, &m.habits))
	said.Duration = time.Since(began)
	return said, err
}

// ShouldReply asks the model for one word. Only a clear IGNORE keeps the agent silent.
func (m *Model) ShouldReply(ctx context.Context, p reactions.Prompt) (bool, error) {
	said, err := m.ask(ctx, question(p), chat.DecisionTokens, chat.NewAnswer("", nil, &m.habits))
	return err != nil || chat.Decided(said.Text), err
}

// ask always lets the answer be streamed: the API refuses to make long ones otherwise.
func (m *Model) ask(ctx context.Context, params anthropic.MessageNewParams, maxTokens int, answer *chat.Answer) (reactions.Completion, error) {
	params.Model, params.MaxTokens = m.Name, int64(maxTokens)
	return remote.Insist(ctx, m.Endpoint, func(ctx context.Context) (reactions.Completion, *remote.Failure) {
		answer.Again()
		return m.stream(ctx, params, answer)
	})
}

func (m *Model) stream(ctx context.Context, params anthropic.MessageNewParams, answer *chat.Answer) (c reactions.Completion, failed *remote.Failure) {
	var response *http.Response
	stream := m.messages.NewStreaming(ctx, params, option.WithResponseInto(&response))
	defer func() { _ = stream.Close() }()
	c.Model = m.Name
	ended := false
	for stream.Next() {
		switch e := stream.Current().AsAny().(type) {
		case anthropic.MessageStartEvent:
			c.Model, c.PromptTokens = cmp.Or(e.Message.Model, m.Name), int(e.Message.Usage.InputTokens)
		case anthropic.ContentBlockDeltaEvent:
			answer.Think(e.Delta.Thinking)
			answer.Say(e.Delta.Text)
		case anthropic.MessageDeltaEvent:
			c.CompletionTokens = int(e.Usage.OutputTokens)
		case anthropic.MessageStopEvent:
			ended = true
		}
	}
	switch err := stream.Err(); {
	case err != nil:
		return c, m.Failed(response, err, code(err), "a message")
	case !remote.Streams(response):
		return c, &remote.Failure{Text: "answered with something else than a message: check the base URL"}
	case !ended:
		return c, &remote.Failure{Text: "broke off its answer", Again: true}
	}
	c.Text, c.Reasoning = answer.End()
	return c, nil
}

// code is what the API calls an error.
func code(err error) string {
	var problem *anthropic.Error
	if errors.As(err, &problem) {
		return cmp.Or(string(problem.Type()), "error")
	}
	return ""
}
