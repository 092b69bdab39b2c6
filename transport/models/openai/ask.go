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

// endpoint is what every use of a model at an endpoint has in common.
type endpoint struct {
	name    string // of the model
	timeout time.Duration
	budget  time.Duration
	mask    func(string) string // takes the key out of a text
}

// ask completes a conversation. The answer has at least one choice.
func (m *Model) ask(ctx context.Context, messages []openai.ChatCompletionMessageParamUnion, maxTokens int) (*openai.ChatCompletion, error) {
	params := openai.ChatCompletionNewParams{Model: m.name, Messages: messages}
	switch {
	case maxTokens > 0 && m.compatible:
		params.MaxTokens = openai.Int(int64(maxTokens)) // the only name that many of them know
	case maxTokens > 0:
		params.MaxCompletionTokens = openai.Int(int64(maxTokens))
	}
	return insist(ctx, m.endpoint, func(ctx context.Context) (*openai.ChatCompletion, *failure) { return m.attempt(ctx, params) })
}

// insist repeats what is worth repeating until the budget is used up.
func insist[T any](ctx context.Context, e endpoint, attempt func(context.Context) (T, *failure)) (none T, err error) {
	budget, cancel := context.WithTimeout(ctx, e.budget)
	defer cancel()
	for n := 1; ; n++ {
		answer, failed := attempt(budget)
		switch {
		case failed == nil:
			return answer, nil
		case ctx.Err() != nil:
			return none, fmt.Errorf("asking the model %s: %w", e.name, ctx.Err())
		case failed.refused:
			return none, fmt.Errorf("%w: %s %s", reactions.ErrRefused, e.name, e.mask(failed.text))
		case !failed.again:
			return none, fmt.Errorf("the model %s %s", e.name, e.mask(failed.text))
		}
		pause := max(failed.after, backOff(n))
		if end, _ := budget.Deadline(); time.Until(end) <= pause {
			return none, fmt.Errorf("the model %s gave no answer in %d attempts within %s: it %s", e.name, n, e.budget, e.mask(failed.text))
		}
		slog.WarnContext(ctx, "the model is asked again", "model", e.name, "attempt", n, "pause", pause, "reason", e.mask(failed.text))
		select {
		case <-ctx.Done():
			return none, fmt.Errorf("waiting to ask the model %s again: %w", e.name, ctx.Err())
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
	case err != nil:
		return nil, m.failed(response, err, "a chat completion")
	case len(answer.Choices) == 0:
		return nil, &failure{text: "answered without saying anything: is the base URL one of chat completions?"}
	}
	return answer, nil
}

// failed says what an error of the client means, where something was expected.
func (e endpoint) failed(response *http.Response, err error, expected string) *failure {
	switch {
	case response != nil && response.StatusCode >= 400:
		return refusal(response, err)
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{text: fmt.Sprintf("did not answer within %s", e.timeout), again: true}
	}
	return broken(response, err, expected)
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
func broken(response *http.Response, err error, expected string) *failure {
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
	return &failure{text: "answered with something else than " + expected + ": check the base URL"}
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
