// Package remote is what models behind an HTTP API have in common: how long they may take, which failures are worth another
// attempt, and what may be said of them.
package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"annals/commands/reactions"
)

const (
	firstPause = 500 * time.Millisecond
	maxPause   = 8 * time.Second
)

// Endpoint is one model at one endpoint.
type Endpoint struct {
	Name    string        // of the model
	Timeout time.Duration // of one attempt
	Budget  time.Duration // of all attempts together
	Mask    func(string) string
}

// New takes the key out of everything that is told. Timeout and budget have defaults: 100 s, as a model on a small machine
// may need 90, and 120 s.
func New(name, key string, timeout, budget time.Duration) Endpoint {
	budget = cmp.Or(budget, 120*time.Second)
	mask := func(s string) string { return s }
	if key != "" {
		mask = strings.NewReplacer(key, "[key]").Replace
	}
	return Endpoint{Name: name, Timeout: min(cmp.Or(timeout, 100*time.Second), budget), Budget: budget, Mask: mask}
}

// Insist repeats what is worth repeating until the budget is used up. Each attempt has a context that ends with its
// time-out.
func Insist[T any](ctx context.Context, e Endpoint, attempt func(context.Context) (T, *Failure)) (none T, err error) {
	budget, cancel := context.WithTimeout(ctx, e.Budget)
	defer cancel()
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, maxPause
	pauses.Reset()
	for n := 1; ; n++ {
		answer, failed := try(budget, e, attempt)
		switch {
		case failed == nil:
			return answer, nil
		case ctx.Err() != nil:
			return none, fmt.Errorf("asking the model %s: %w", e.Name, ctx.Err())
		case failed.Refused:
			return none, explained{reactions.ErrRefused, e.Name + " " + e.Mask(failed.Text)}
		case !failed.Again:
			return none, explained{errFailed, e.Name + " " + e.Mask(failed.Text)}
		}
		pause := max(failed.After, pauses.NextBackOff())
		if end, _ := budget.Deadline(); time.Until(end) <= pause {
			return none, explained{errFailed, fmt.Sprintf("%s gave no answer in %d attempts within %s: it %s", e.Name, n, e.Budget, e.Mask(failed.Text))}
		}
		slog.WarnContext(ctx, "the model is asked again", "model", e.Name, "attempt", n, "pause", pause, "reason", e.Mask(failed.Text))
		select {
		case <-ctx.Done():
			return none, fmt.Errorf("waiting to ask the model %s again: %w", e.Name, ctx.Err())
		case <-time.After(pause):
		}
	}
}

func try[T any](ctx context.Context, e Endpoint, attempt func(context.Context) (T, *Failure)) (T, *Failure) {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	return attempt(ctx)
}

// streamed is how much larger a response may be that comes piece by piece: each piece brings its envelope along.
const streamed = 32

// Client ends every response with an error after limit bytes, and one that comes piece by piece after so many more. The transport is
// http.DefaultTransport if nil.
func Client(t http.RoundTripper, limit int64) *http.Client {
	return &http.Client{Transport: bounded{cmp.Or(t, http.DefaultTransport), limit}}
}

type bounded struct {
	http.RoundTripper
	limit int64
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		limit := b.limit
		if Streams(response) {
			limit *= streamed
		}
		response.Body = body{http.MaxBytesReader(nil, response.Body, limit)}
	}
	return response, err
}

// Streams tells whether a response comes piece by piece, as Server-Sent Events.
func Streams(response *http.Response) bool {
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return err == nil && kind == "text/event-stream"
}

// errCut marks a response that did not arrive whole. The clients' own errors for one look like those for bad JSON.
var errCut = errors.New("the response broke off")

type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped io.EOF does not end a reader, so none comes wrapped
		err = fmt.Errorf("%w: %w", errCut, err)
	}
	return n, err
}
