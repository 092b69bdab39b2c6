package openai

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"annals/commands/reactions"
)

const (
	firstPause = 500 * time.Millisecond
	maxPause   = 8 * time.Second
)

// failure is one attempt that came to nothing. Its text is ours: an endpoint's own may repeat the prompt or the key.
type failure struct {
	text    string
	refused bool
	again   bool          // asking again at once may help
	after   time.Duration // the endpoint wants to be left alone for so long
}

// ask repeats what is worth repeating until the budget is used up. The answer has at least one choice.
func (m *Model) ask(ctx context.Context, messages []openai.ChatCompletionMessageParamUnion, maxTokens int) (*openai.ChatCompletion, error) {
	params := openai.ChatCompletionNewParams{Model: m.name, Messages: messages}
	switch {
	case maxTokens > 0 && m.compatible:
		params.MaxTokens = openai.Int(int64(maxTokens)) // the only name that many of them know
	case maxTokens > 0:
		params.MaxCompletionTokens = openai.Int(int64(maxTokens))
	}
	budget, cancel := context.WithTimeout(ctx, m.budget)
	defer cancel()
	for attempt := 1; ; attempt++ {
		answer, failed := m.attempt(budget, params)
		switch {
		case failed == nil:
			return answer, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("asking the model %s: %w", m.name, ctx.Err())
		case failed.refused:
			return nil, fmt.Errorf("%w: %s %s", reactions.ErrRefused, m.name, m.mask(failed.text))
		case !failed.again:
			return nil, fmt.Errorf("the model %s %s", m.name, m.mask(failed.text))
		}
		pause := max(failed.after, backOff(attempt))
		if end, _ := budget.Deadline(); time.Until(end) <= pause {
			return nil, fmt.Errorf("the model %s gave no answer in %d attempts within %s: it %s", m.name, attempt, m.budget, m.mask(failed.text))
		}
		slog.WarnContext(ctx, "the model is asked again", "model", m.name, "attempt", attempt, "pause", pause, "reason", m.mask(failed.text))
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting to ask the model %s again: %w", m.name, ctx.Err())
		case <-time.After(pause):
		}
	}
}

func (m *Model) attempt(ctx context.Context, params openai.ChatCompletionNewParams) (*openai.ChatCompletion, *failure) {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	var response *http.Response
	answer, err := m.chat.New(ctx, params, option.WithResponseInto(&response))
	switch {
	case err == nil && len(answer.Choices) > 0:
		return answer, nil
	case err == nil:
		return nil, &failure{text: "answered without saying anything: is the base URL one of chat completions?"}
	case response != nil && response.StatusCode >= 400:
		return nil, refusal(response, err)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &failure{text: fmt.Sprintf("did not answer within %s", m.timeout), again: true}
	}
	return nil, broken(response, err)
}

// backOff doubles from attempt to attempt, with some chance in it: callers that failed together come back apart.
func backOff(attempt int) time.Duration {
	pause := min(maxPause, firstPause<<min(attempt-1, 10))
	return pause/2 + rand.N(pause/2)
}

// refusal reads a status of 400 and above. What the caller can change gets its remedy.
func refusal(response *http.Response, err error) *failure {
	f := &failure{text: fmt.Sprintf("answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))}
	var problem *openai.Error
	if errors.As(err, &problem) && isCode(problem.Code) {
		f.text += " (" + problem.Code + ")"
	}
	switch status := response.StatusCode; {
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooManyRequests, status >= 500:
		f.again, f.after = true, retryAfter(response.Header)
		return f
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		f.text += ": check the API key and what it may do"
	case status == http.StatusNotFound:
		f.text += ": check the name of the model and the base URL"
	default:
		f.text += ": it does not take such a request"
	}
	f.refused = true
	return f
}

// broken tells a cut connection, which is worth another attempt, from an answer that makes no sense.
func broken(response *http.Response, err error) *failure {
	var (
		tooLarge *http.MaxBytesError
		request  *url.Error
	)
	switch {
	case errors.As(err, &tooLarge):
		return &failure{text: fmt.Sprintf("answered with more than %d bytes", tooLarge.Limit)}
	case errors.As(err, &request): // without its URL, which may hold a secret
		return &failure{text: "could not be reached: " + request.Err.Error(), again: true}
	case errors.Is(err, errCut):
		return &failure{text: "was cut off: " + err.Error(), again: true}
	case response == nil:
		return &failure{text: "could not be asked: " + err.Error(), refused: true}
	}
	return &failure{text: "answered with something else than a chat completion: check the base URL"}
}

// isCode lets through what looks like a constant ("insufficient_quota"), not a sentence.
func isCode(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && r != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// retryAfter reads RFC 9110, 10.2.3: seconds or a date. Zero if there is none.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
