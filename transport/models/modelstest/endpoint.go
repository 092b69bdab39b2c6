package modelstest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// Endpoint listens on a free port of the loopback until the test ends.
type Endpoint struct {
	Root string // the URL, without a path

	stopping chan struct{}
	mu       sync.Mutex
	waiting  int
}

// Listen starts the endpoint.
func (e *Endpoint) Listen(t testing.TB, h http.Handler) {
	t.Helper()
	e.stopping = make(chan struct{})
	listening := httptest.NewServer(h)
	e.Root = listening.URL
	t.Cleanup(func() {
		close(e.stopping)
		listening.Close()
	})
}

// Waiting tells how many requests are being held back now.
func (e *Endpoint) Waiting() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.waiting
}

// Pause holds a request back, and tells whether the caller is still there after that.
func (e *Endpoint) Pause(r *http.Request, d time.Duration) bool {
	if d == 0 {
		return true
	}
	e.count(1)
	defer e.count(-1)
	select {
	case <-time.After(d):
		return true
	case <-r.Context().Done():
	case <-e.stopping:
	}
	return false
}

func (e *Endpoint) count(change int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting += change
}

// Asked are the requests of one kind that have come in so far.
type Asked[Request any] struct {
	mu  sync.Mutex
	all []Request
}

// Add takes a request in, and tells the how manieth it is.
func (a *Asked[Request]) Add(r Request) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, r)
	return len(a.all)
}

// All gives them, the oldest first.
func (a *Asked[Request]) All() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.all)
}
