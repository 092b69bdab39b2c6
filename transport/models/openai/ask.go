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

	"annals/commands/reactions"
	"annals/transport/models/chat"
	"annals/transport/models/remote"
)

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
func (m *Model) ask(ctx context.Context, params openai.ChatCompletionNewParams, answer *chat.Answer) (reactions.Completion, error) {
	return remote.Insist(ctx, m.Endpoint, func(ctx context.Context) (reactions.Completion, *remote.Failure) {
		answer.Again()
		return m.whole(ctx, params, answer)
	})
}

// hear completes a conversation and lets it be heard meanwhile. An endpoint that does not stream is heard at the end.
func (m *Model) hear(ctx context.Context, params openai.ChatCompletionNewParams, answer *chat.Answer) (reactions.Completion, error) {
	return remote.Insist(ctx, m.Endpoint, func(ctx context.Context) (c reactions.Completion, failed *remote.Failure) {
		answer.Again()
		if !m.plain.Load() {
			streams := false
			if c, failed, streams = m.stream(ctx, params, answer); streams {
				return c, failed
			}
		}
		if c, failed = m.whole(ctx, params, answer); failed == nil {
			m.plain.Store(true)
		}
		return c, failed
	})
}

func (m *Model) whole(ctx context.Context, params openai.ChatCompletionNewParams, answer *chat.Answer) (c reactions.Completion, failed *remote.Failure) {
	var response *http.Response
	got, err := m.chat.New(ctx, params, option.WithResponseInto(&response))
	switch {
	case err != nil:
		return c, m.Failed(response, err, code(err), "a chat completion")
	case len(got.Choices) == 0:
		return c, &silent
	}
	said := got.Choices[0].Message
	take(answer, said.JSON.Content, said.Content+said.Refusal, said.JSON.ExtraFields)
	c = reactions.Completion{
		Model: cmp.Or(got.Model, m.Name), PromptTokens: int(got.Usage.PromptTokens), CompletionTokens: int(got.Usage.CompletionTokens),
	}
	c.Text, c.Reasoning = answer.End()
	return c, nil
}

// stream says piece by piece what comes. It is false at the end for an endpoint that does not know how to stream.
func (m *Model) stream(ctx context.Context, params openai.ChatCompletionNewParams, answer *chat.Answer) (c reactions.Completion, failed *remote.Failure, streams bool) {
	var response *http.Response
	params.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	stream := m.chat.NewStreaming(ctx, params, option.WithResponseInto(&response))
	defer func() { _ = stream.Close() }()
	c.Model = m.Name
	ended := false
	for stream.Next() {
		chunk := stream.Current()
		c.Model = cmp.Or(chunk.Model, c.Model)
		if used := chunk.Usage; used.TotalTokens > 0 {
			c.PromptTokens, c.CompletionTokens = int(used.PromptTokens), int(used.CompletionTokens)
		}
		for _, choice := range chunk.Choices {
			said := choice.Delta
			take(answer, said.JSON.Content, said.Content+said.Refusal, said.JSON.ExtraFields)
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
	c.Text, c.Reasoning = answer.End()
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
