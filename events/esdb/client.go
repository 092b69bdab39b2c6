package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"annals/events"
)

const (
	// callLimit bounds a call whose context has no deadline.
	callLimit = 10 * time.Second
	// callsAtOnce bounds the calls under way, those that hang in the client included.
	callsAtOnce = 1024
	// discovery bounds for how long a client looks for a node before it is replaced: hung calls end with it.
	discoveryAttempts = 50
	discoveryInterval = 100 * time.Millisecond
	// pauses between attempts.
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// supervisor keeps a working client. The official one ends for good after an outage, leaves callers hanging regardless of
// their contexts, forgets connections when it reconnects, and may panic when it is closed meanwhile: so each call runs in
// a goroutine of its own, and a client that lost its node is closed and replaced.
type supervisor struct {
	config *esdb.Configuration
	log    *slog.Logger
	slots  chan struct{}

	mu      sync.Mutex
	current *link
	closed  bool
	calls   sync.WaitGroup
}

// link is one client. It is closed once.
type link struct {
	client *esdb.Client
	close  sync.Once
}

var errClosed = errors.New("the store was closed")

func newSupervisor(config *esdb.Configuration, log *slog.Logger) *supervisor {
	return &supervisor{config: config, log: log, slots: make(chan struct{}, callsAtOnce)}
}

// take is the present client, a new one if there is none, with one more call counted on it.
func (s *supervisor) take() (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.current == nil {
		client, err := esdb.NewClient(s.config)
		if err != nil {
			return nil, err
		}
		s.current = &link{client: client}
	}
	s.calls.Add(1)
	return s.current, nil
}

// retire replaces a client that lost its node.
func (s *supervisor) retire(l *link) {
	s.mu.Lock()
	if s.current == l {
		s.current = nil
	}
	s.mu.Unlock()
	l.close.Do(func() { _ = l.client.Close() })
}

// shut ends the present client and waits for the calls under way.
func (s *supervisor) shut(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	l := s.current
	s.mu.Unlock()
	if l != nil {
		s.retire(l)
	}
	done := make(chan struct{})
	go func() { s.calls.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("calls to the event store are still under way: %w", ctx.Err())
	}
}

// outcome of a call.
type outcome[T any] struct {
	value T
	err   error
}

// call runs f with a working client, and returns when the context ends, even if the client does not. Whoever starts
// something lasting in f cancels it when call fails.
func call[T any](ctx context.Context, s *supervisor, f func(context.Context, *esdb.Client) (T, error)) (T, error) {
	var none T
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callLimit)
		defer cancel()
	}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return none, fmt.Errorf("%w: too many calls wait for it: %w", events.ErrUnavailable, context.Cause(ctx))
	}
	l, err := s.take()
	if err != nil {
		<-s.slots
		return none, fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	}
	done := make(chan outcome[T], 1)
	go func() {
		defer func() { <-s.slots; s.calls.Done() }()
		value, err := guarded(ctx, l.client, f)
		if err = classify(err); errors.Is(err, events.ErrUnavailable) && ctx.Err() == nil {
			s.retire(l)
		}
		done <- outcome[T]{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", events.ErrUnavailable, context.Cause(ctx))
	}
}

// guarded turns the client's panics into errors: it sends on a closed channel when it is closed during a failing call.
func guarded[T any](ctx context.Context, client *esdb.Client, f func(context.Context, *esdb.Client) (T, error)) (value T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the client gave up: %v", events.ErrUnavailable, r)
		}
	}()
	return f(ctx, client)
}

// errMissing: there is no such stream or group.
var errMissing = errors.New("there is no such thing in the store")

// errExists: there is such a group already.
var errExists = errors.New("it is in the store already")

// classify tells what the client's error means for us.
func classify(err error) error {
	var e *esdb.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &e):
		return err
	}
	switch e.Code() {
	case esdb.ErrorCodeWrongExpectedVersion:
		return fmt.Errorf("%w: %w", events.ErrConflict, err)
	case esdb.ErrorCodeResourceNotFound:
		return fmt.Errorf("%w: %w", errMissing, err)
	case esdb.ErrorCodeResourceAlreadyExists:
		return fmt.Errorf("%w: %w", errExists, err)
	case esdb.ErrorUnavailable, esdb.ErrorCodeConnectionClosed, esdb.ErrorCodeDeadlineExceeded, esdb.ErrorAborted,
		esdb.ErrorCodeNotLeader, esdb.ErrorCodeInternalServer:
		return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	case esdb.ErrorCodeUnknown: // most statuses end here
		switch status.Code(e.Err()) {
		case codes.InvalidArgument, codes.FailedPrecondition, codes.ResourceExhausted:
			return fmt.Errorf("the event store refused: %w", err)
		}
		return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	}
	return err
}

// persist repeats a call that may be repeated until it gets an answer or the context ends.
func persist[T any](ctx context.Context, s *supervisor, f func(context.Context, *esdb.Client) (T, error)) (T, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callLimit)
		defer cancel()
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		value, err := call(ctx, s, f)
		if !errors.Is(err, events.ErrUnavailable) || errors.Is(err, errClosed) || !sleep(ctx, pause) {
			return value, err
		}
	}
}

// sleep tells false when the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
