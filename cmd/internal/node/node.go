// Package node is what a server consists of, and how its parts are opened, started and stopped, in order.
package node

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/transport/serverlog"
)

// Drain bounds each step of stopping.
const Drain = 10 * time.Second

// Serve runs a server: it tells ready where it listens, and returns when the context has ended, a client has asked for it, or a
// part has failed.
func Serve(ctx context.Context, o Options, ready func(url string)) error {
	return serve(ctx, o, ready, func(s *server) []step {
		return []step{s.openPage, s.listen, s.open, s.readCurrent, s.push, s.react, s.catchUp, s.answer}
	})
}

// ServeAsOf serves what was: read models that `annals rebuild --until` has built in a schema, which nothing moves. No command is
// handled, no agent answers, and there is nothing to subscribe to.
func ServeAsOf(ctx context.Context, o Options, schema string, ready func(url string)) error {
	return serve(ctx, o, ready, func(s *server) []step {
		read := func(ctx context.Context) error { return s.readPast(ctx, schema) }
		return []step{s.listen, s.openBeside, read, s.answerPast}
	})
}

// step begins a part of a server.
type step func(context.Context) error

// serve begins the parts one after another, waits, and ends them in the opposite order.
func serve(ctx context.Context, o Options, ready func(url string), steps func(*server) []step) (err error) {
	outer := ctx
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	defer func() { err = errors.Join(err, failure(ctx, outer)) }()
	s := &server{fail: fail}
	s.Options, s.lines = o.keepingLines()
	defer s.end()
	ctx, s.stop = context.WithCancel(ctx)
	s.later(s.stop)
	for _, begin := range steps(s) {
		if err := begin(ctx); err != nil {
			return err
		}
	}
	ready(s.url())
	<-ctx.Done()
	s.Logger.Info("stopping")
	return nil
}

// keepingLines returns the options with a logger whose lines clients may ask for.
func (o Options) keepingLines() (Options, *serverlog.Ring) {
	o = o.complete()
	lines := serverlog.New()
	o.Logger = slog.New(lines.Beside(o.Logger.Handler()))
	return o, lines
}

// failure is why the context was cancelled, when a part failed. That the outer one was cancelled is none: its cause may be the
// signal that asked the process to end.
func failure(ctx, outer context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) || outer.Err() != nil && errors.Is(cause, context.Cause(outer)) {
		return nil
	}
	return cause
}

func closing(log *slog.Logger, what string, end func() error) {
	if err := end(); err != nil {
		log.Warn("not stopped cleanly", "part", what, "error", err)
	}
}

// NewID is a new identifier of ours, ordered by time.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

const (
	// Version is what /api/system/version tells: the version of ElizaOS whose API this is.
	Version = "1.2.0"
	// Release is the version of annals itself.
	Release = "0.2.0"
)

// ByCLI returns a request of an operator at the command line, with access to the data folder.
func ByCLI(at time.Time) commands.Request {
	id := NewID()
	return commands.Request{ID: id, At: at.UTC(), Actor: "cli", Correlation: id, Causation: id}
}
