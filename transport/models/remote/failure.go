package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Failure is one attempt that came to nothing. Its text is ours: an endpoint's own may repeat the prompt or the key.
type Failure struct {
	Text    string
	Refused bool
	Again   bool          // asking again at once may help
	After   time.Duration // the endpoint wants to be left alone for so long
}

var errFailed = errors.New("the model failed")

// explained is an error in words of ours, see Failure; the turn that fails is recorded with them.
type explained struct {
	kind error
	text string
}

func (e explained) Error() string { return e.kind.Error() + ": " + e.text }

// Unwrap gives the kind.
func (e explained) Unwrap() error { return e.kind }

// Explanation implements reactions.Explained.
func (e explained) Explanation() string { return e.text }

// Failed says what an error of a client means. The code is what the endpoint calls it, and expected what it should have
// answered with.
func (e Endpoint) Failed(response *http.Response, err error, code, expected string) *Failure {
	switch {
	case response != nil && response.StatusCode >= 400:
		return refusal(response, code)
	case errors.Is(err, context.DeadlineExceeded):
		return &Failure{Text: fmt.Sprintf("did not answer within %s", e.Timeout), Again: true}
	}
	return broken(response, err, code, expected)
}

// refusal reads a status of 400 and above. What the caller can change gets its remedy.
func refusal(response *http.Response, code string) *Failure {
	f := &Failure{Text: fmt.Sprintf("answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))}
	if isCode(code) {
		f.Text += " (" + code + ")"
	}
	switch status := response.StatusCode; {
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooManyRequests, status >= 500:
		f.Again, f.After = true, retryAfter(response.Header)
		return f
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		f.Text += ": check the API key and what it may do"
	case status == http.StatusNotFound:
		f.Text += ": check the name of the model and the base URL"
	default:
		f.Text += ": it does not take such a request"
	}
	f.Refused = true
	return f
}

// broken tells a cut connection, which is worth another attempt, from an answer that makes no sense.
func broken(response *http.Response, err error, code, expected string) *Failure {
	var (
		tooLarge *http.MaxBytesError
		request  *url.Error
	)
	switch {
	case errors.As(err, &tooLarge):
		return &Failure{Text: fmt.Sprintf("answered with more than %d bytes", tooLarge.Limit)}
	case errors.As(err, &request) && errors.Is(err, ErrForbidden):
		return &Failure{Text: "was not asked: " + request.Err.Error(), Refused: true}
	case errors.As(err, &request): // without its URL, which may hold a secret
		return &Failure{Text: "could not be reached: " + request.Err.Error(), Again: true}
	case errors.Is(err, errCut):
		return &Failure{Text: "was cut off: " + err.Error(), Again: true}
	case response == nil:
		return &Failure{Text: "could not be asked: " + err.Error(), Refused: true}
	case isCode(code):
		return &Failure{Text: "broke off its answer (" + code + ")", Again: true}
	}
	return &Failure{Text: "answered with something else than " + expected + ": check the base URL"}
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
