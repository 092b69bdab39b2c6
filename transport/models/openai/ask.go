package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"annals/transport/models/chat"
	"annals/transport/models/remote"
)

// completion is what an endpoint said, and what it took.
type completion struct {
	text, model              string
	promptTokens, saidTokens int64
}

// silent is an answer in which nothing is said, not even nothing.
var silent = remote.Failure{Text: "answered without saying anything: is the base URL one of chat completions?"}

func (m *Model) params(messages messages, maxTokens int) openai.ChatCompletionNewParams {
	params := openai.ChatCompletionNewParams{Model: m.Name, Messages: messages}
	switch {
	case maxTokens > 0 && m.compatible:
		params.MaxTokens = openai.Int(int64(maxTokens)) // the only name that many of them know
	case maxTokens > 0:
		params.MaxCompletionTokens = openai.Int(int64(maxTokens))
	}
	return params
}

// ask completes a conversation.
func (m *Model) ask(ctx context.Context, params openai.ChatCompletionNewParams) (completion, error) {
	return remote.Insist(ctx, m.Endpoint, func(ctx context.Context) (completion, *remote.Failure) { return m.whole(ctx, params) })
}

// hear completes a conversation and lets it be heard meanwhile. An endpoint that does not stream is heard at the end.
func (m *Model) hear(ctx context.Context, params openai.ChatCompletionNewParams, voice *chat.Voice) (completion, error) {
	return remote.Insist(ctx, m.Endpoint, func(ctx context.Context) (c completion, failed *remote.Failure) {
		voice.Again()
		if !m.plain.Load() {
			streams := false
			if c, failed, streams = m.stream(ctx, params, voice); streams {
				return c, failed
			}
		}
		if c, failed = m.whole(ctx, params); failed == nil {
			m.plain.Store(true)
			voice.Say(c.text)
			voice.End()
		}
		return c, failed
	})
}

func (m *Model) whole(ctx context.Context, params openai.ChatCompletionNewParams) (completion, *remote.Failure) {
	var response *http.Response
	answer, err := m.chat.New(ctx, params, option.WithResponseInto(&response))
	switch {
	case err != nil:
		return completion{}, m.Failed(response, err, code(err), "a chat completion")
	case len(answer.Choices) == 0:
		return completion{}, &silent
	}
	said := answer.Choices[0].Message
	return completion{said.Content + said.Refusal, answer.Model, answer.Usage.PromptTokens, answer.Usage.CompletionTokens}, nil
}

// stream says piece by piece what comes. It is false at the end for an endpoint that does not know how to stream.
func (m *Model) stream(ctx context.Context, params openai.ChatCompletionNewParams, voice *chat.Voice) (c completion, failed *remote.Failure, streams bool) {
	var response *http.Response
	params.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	stream := m.chat.NewStreaming(ctx, params, option.WithResponseInto(&response))
	defer func() { _ = stream.Close() }()
	text, ended := make([]byte, 0, 512), false
	for stream.Next() {
		chunk := stream.Current()
		if chunk.Model != "" {
			c.model = chunk.Model
		}
		if used := chunk.Usage; used.TotalTokens > 0 {
			c.promptTokens, c.saidTokens = used.PromptTokens, used.CompletionTokens
		}
		for _, choice := range chunk.Choices {
			piece := choice.Delta.Content + choice.Delta.Refusal
			text = append(text, piece...)
			voice.Say(piece)
			ended = ended || choice.FinishReason != ""
		}
	}
	err := stream.Err()
	if response != nil {
		switch status := response.StatusCode; {
		case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity, status == http.StatusNotImplemented:
			return c, nil, false // it may be the wish to stream that it does not take
		case status < 300 && !remote.Streams(response):
			return c, nil, false
		}
	}
	switch {
	case err != nil:
		return c, m.Failed(response, err, code(err), "a chat completion"), true
	case !ended:
		return c, &remote.Failure{Text: "broke off its answer", Again: true}, true
	}
	c.text = string(text)
	voice.End()
	return c, nil, true
}

// code is what the endpoint calls an error.
func code(err error) string {
	var (
		problem *openai.Error
		within  *ssestream.StreamError
	)
	switch {
	case errors.As(err, &problem):
		return problem.Code
	case errors.As(err, &within): // in the midst of an answer
		var data struct {
			Error struct{ Code, Type string }
		}
		_ = json.Unmarshal(within.Event.Data, &data) // what it does not say is not told
		return cmp.Or(data.Error.Code, data.Error.Type, "error")
	}
	return ""
}
