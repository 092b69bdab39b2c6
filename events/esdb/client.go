package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cenkalti/backoff/v5"

	"annals/events"
)

const (
	// callLimit bounds a call, and silentLimit one to a node that has let a call time out and has answered nothing since: a
	// request makes several calls, and all of them together take less than 10 s.
	callLimit   = 6 * time.Second
	silentLimit = time.Second
	// pauses between attempts.
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
	// sayEvery is how often it is logged that the node cannot be reached.
	sayEvery = 10 * time.Second
)

var errClosed = errors.New("the store was closed")

// supervisor keeps a working client. The official one ends for good after an outage, leaves callers hanging regardless of
// their contexts and may panic: so each call runs in a goroutine of its own, and a client that lost its node is replaced.
type supervisor struct {
	config esdb.Configuration
	log    *slog.Logger
	stop   context.CancelFunc
	ended  <-chan struct{}
	work   sync.WaitGroup // everything that runs, calls that nobody waits for included
	marks  marks
	again  chan struct{} // asks for another attempt at once

	refused bool // the log behind the last connection was another one; run's alone

	mu      sync.Mutex
	current *link         // nil while the node is away
	cause   error         // why it is away
	changed chan struct{} // closed when current changes

	silent atomic.Bool // a call has timed out, and none was answered since
}

func newSupervisor(ctx context.Context, config *esdb.Configuration, log *slog.Logger) *supervisor {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &supervisor{config: *config, log: log, stop: stop, ended: ctx.Done(), changed: make(chan struct{}), again: make(chan struct{}, 1)}
	s.work.Go(func() { s.run(ctx) })
	return s
}

// run connects, and connects again whenever the node was lost.
func (s *supervisor) run(ctx context.Context) {
	defer s.set(nil, errClosed)
	var said time.Time // that the node is away
	pauses := newPauses()
	for ctx.Err() == nil {
		l, err := connect(s.config, s.log)
		if err != nil && ctx.Err() == nil && time.Since(said) > sayEvery {
			said = time.Now()
			s.log.Warn("the event store cannot be reached, trying again", "address", s.config.Address, "error", err, "hint", hint(err, s.config.DisableTLS))
		}
		if err == nil {
			if err = s.recognize(ctx, l); err != nil {
				l.retire()
				s.work.Go(l.bury)
			}
		}
		if err == nil {
			if said.IsZero() {
				s.log.Debug("event store connected")
			} else {
				s.log.Info("event store connected")
			}
			s.set(l, nil)
			began := time.Now()
			select {
			case <-l.lost:
				s.log.Warn("event store lost")
				said = time.Now().Add(-sayEvery)
			case <-ctx.Done():
				l.retire()
			}
			s.work.Go(l.bury)
			if time.Since(began) > lastPause {
				pauses.Reset()
			}
			err = errLost
		}
		s.set(nil, err)
		select {
		case <-s.again:
			pauses.Reset()
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
		}
	}
}

// recognize holds the log behind a new connection against what it has to have.
func (s *supervisor) recognize(ctx context.Context, l *link) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	checked := make(chan error, 1) // the client may hang
	s.work.Go(func() { checked <- s.marks.check(ctx, l) })
	var err error
	select {
	case err = <-checked:
	case <-ctx.Done():
		err = fmt.Errorf("%w: %w", events.ErrUnavailable, context.Cause(ctx))
	}
	other := errors.Is(err, events.ErrOtherLog)
	if other && !s.refused { // once
		s.log.Error("the event store is not used", "error", err)
	}
	s.refused = other
	return err
}

// lookAgain makes callers wait until the log was compared with its marks again.
func (s *supervisor) lookAgain() {
	s.mu.Lock()
	refused := s.current == nil && errors.Is(s.cause, events.ErrOtherLog)
	s.mu.Unlock()
	if !refused {
		return
	}
	s.set(nil, errLost)
	select {
	case s.again <- struct{}{}:
	default:
	}
}

// drop gives up the connection.
func (s *supervisor) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		s.current.retire()
	}
}

// hint says what may be wrong with the settings where a node answers, but not as expected.
func hint(err error, plain bool) string {
	switch said := err.Error(); {
	case !plain && strings.Contains(said, "does not look like a TLS handshake"):
		return "it speaks without TLS: add ?tls=false to EVENTSTORE_URL"
	case plain && (strings.Contains(said, "server preface") || strings.Contains(said, "connection reset")):
		return "it may speak TLS: leave tls=false out of EVENTSTORE_URL"
	case strings.Contains(said, "certificate"):
		return "its certificate is not trusted here: name its authority with tlsCAFile in EVENTSTORE_URL"
	}
	return "see that it runs, and that EVENTSTORE_URL names it"
}

func (s *supervisor) set(l *link, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.cause = l, cause
	close(s.changed)
	s.changed = make(chan struct{})
}

// take waits for a link until the context ends, and counts what the caller is going to do as work.
func (s *supervisor) take(ctx context.Context) (*link, error) {
	for {
		s.mu.Lock()
		l, cause, changed := s.current, s.cause, s.changed
		if l != nil && !l.gone.Load() {
			s.work.Add(1)
			s.mu.Unlock()
			return l, nil
		}
		s.mu.Unlock()
		if errors.Is(cause, errClosed) {
			return nil, fmt.Errorf("%w: %w", events.ErrUnavailable, errClosed)
		}
		if errors.Is(cause, events.ErrOtherLog) {
			return nil, cause
		}
		select {
		case <-changed:
		case <-s.ended: // without waiting for a client that is still looking for its node
			return nil, fmt.Errorf("%w: %w", events.ErrUnavailable, errClosed)
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%w: %w", events.ErrUnavailable, context.Cause(ctx)), cause)
		}
	}
}

// shut ends what is under way and waits for it.
func (s *supervisor) shut(ctx context.Context) error {
	s.stop()
	done := make(chan struct{})
	go func() { s.work.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("calls to the event store are still under way: %w", ctx.Err())
	}
}

// limited gives a context the deadline of calls, unless its own is earlier. The returned function notes a node that has let it
// pass.
func (s *supervisor) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := callLimit
	if s.silent.Load() {
		limit = silentLimit
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	return limited, func() {
		if limited.Err() != nil && ctx.Err() == nil {
			s.silent.Store(true)
		}
		cancel()
	}
}

// call runs f once with a working client, and returns when the context ends, even if the client does not.
func call[T any](ctx context.Context, s *supervisor, f func(context.Context, *esdb.Client) (T, error)) (T, error) {
	ctx, cancel := s.limited(ctx)
	defer cancel()
	return await(ctx, ctx, s, f)
}

// open is call for what lasts: f's context is the given one, and only the wait for f is limited. The caller ends the
// context when open fails.
func open[T any](ctx context.Context, s *supervisor, f func(context.Context, *esdb.Client) (T, error)) (T, error) {
	wait, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return await(wait, ctx, s, f)
}

func await[T any](wait, ctx context.Context, s *supervisor, f func(context.Context, *esdb.Client) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	var none T
	l, err := s.take(wait)
	if err != nil {
		return none, err
	}
	done := make(chan outcome, 1)
	left := make(chan struct{})
	go func() {
		defer s.work.Done()
		defer close(left)
		value, err := use(ctx, l, f)
		if !errors.Is(err, events.ErrUnavailable) {
			s.silent.Store(false)
		}
		if errors.Is(err, errLost) && ctx.Err() == nil {
			l.retire()
		}
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-wait.Done():
		go l.mind(left)
		return none, fmt.Errorf("%w: %w", events.ErrUnavailable, context.Cause(wait))
	}
}

// mind retires a client that does not let go of a call although the call's context has ended.
func (l *link) mind(left <-chan struct{}) {
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-left:
	case <-l.lost:
	case <-t.C:
		l.retire()
	}
}

// persist repeats a call that may be repeated until it gets an answer or the context ends.
func persist[T any](ctx context.Context, s *supervisor, f func(context.Context, *esdb.Client) (T, error)) (T, error) {
	ctx, cancel := s.limited(ctx)
	defer cancel()
	pauses := newPauses()
	for {
		value, err := call(ctx, s, f)
		passes := errors.Is(err, events.ErrUnavailable) && !errors.Is(err, errClosed) && !errors.Is(err, events.ErrOtherLog)
		if !passes || !sleep(ctx, pauses.NextBackOff()) {
			return value, err
		}
	}
}

// newPauses grow, by chance a little longer or shorter: callers that failed together do not come back together.
func newPauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = firstPause, lastPause
	b.Reset()
	return b
}

// sleep reports whether the pause is over, and the context has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
