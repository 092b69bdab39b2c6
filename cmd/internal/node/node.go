// Package node is what a server consists of, and how its parts are opened, started and stopped, in order.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/projections"
	"annals/projections/engine"
	"annals/transport/httpapi"
	"annals/transport/live"
	"annals/transport/serverlog"
	"annals/transport/socketio"
)

// Drain bounds each step of stopping.
const Drain = 10 * time.Second

// Serve starts the parts one after another, tells ready where it listens, and stops them in the opposite order when the
// context ends, a client asks for it, or a part fails.
func Serve(ctx context.Context, o Options, ready func(url string)) (err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	defer func() { err = errors.Join(err, failure(ctx)) }()
	s := &server{fail: fail}
	s.Options, s.lines = o.keepingLines()
	defer s.end()
	ctx, s.stop = context.WithCancel(ctx)
	s.later(s.stop)
	for _, begin := range []func(context.Context) error{s.listen, s.open, s.read, s.push, s.react, s.catchUp, s.answer} {
		if err := begin(ctx); err != nil {
			return err
		}
	}
	ready("http://" + s.listener.Addr().String())
	<-ctx.Done()
	s.Logger.Info("stopping")
	return nil
}

// keepingLines is with a logger whose lines clients may ask for.
func (o Options) keepingLines() (Options, *serverlog.Ring) {
	o = o.complete()
	lines := serverlog.New()
	o.Logger = slog.New(lines.Beside(o.Logger.Handler()))
	return o, lines
}

// webClient is what is served at /, nothing where none is named.
func webClient(c Config) (*httpapi.Shell, error) {
	if c.ElizaUIDir == "" {
		return nil, nil //nolint:nilnil // the API knows what it means
	}
	return httpapi.ReadShell(c.ElizaUIDir)
}

// patience is how long a starting server holds back for read models that are behind; then it serves what there is.
const patience = 10 * time.Second

// pushedGroups answer for what subscribers of /ws are told; askedGroups for what is only asked for.
var (
	pushedGroups = []string{projections.GroupCore, projections.GroupMemories}
	askedGroups  = []string{projections.GroupVectors, projections.GroupHistory}
)

// catchUp waits until what was in the log at the start can be read, and lets the subscribers begin there.
func catchUp(ctx context.Context, feed *engine.Feed, hub *live.Hub) error {
	start, err := feed.From(ctx)
	if err != nil {
		return err
	}
	if err := Await(ctx, feed, start, pushedGroups...); err != nil {
		return err
	}
	hub.Begin(start)
	return Await(ctx, feed, start, askedGroups...)
}

// failure is why the context was cancelled, when a part failed.
func failure(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// shutdown closes the sockets with their position and drains the requests.
func shutdown(ctx context.Context, server *http.Server, hub *live.Hub, rooms *socketio.Hub) error {
	ctx, cancel := context.WithTimeout(ctx, Drain)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- server.Shutdown(ctx) }() // closes the listener first
	return errors.Join(hub.Close(), rooms.Close(), <-drained, server.Close())
}

// background runs a part until the function that it returns is called; a part that ends by itself stops the server.
func background(ctx context.Context, name string, run func(context.Context) error, fail context.CancelCauseFunc) func() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil && ctx.Err() == nil {
			fail(fmt.Errorf("%s: %w", name, err))
		}
	}()
	return func() { cancel(); <-done }
}

func closing(log *slog.Logger, what string, end func() error) {
	if err := end(); err != nil {
		log.Warn("not stopped cleanly", "part", what, "error", err)
	}
}

// NewID is a new identifier of ours, ordered by time.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// openLog gives the log its identity and the default server, waiting for an event store that is away.
func (s *server) openLog(ctx context.Context) (uuid.UUID, error) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		id, err := s.tryOpenLog(ctx)
		if !errors.Is(err, events.ErrUnavailable) {
			return id, err
		}
		s.Logger.Warn("waiting for the event store", "error", err)
		select {
		case <-ctx.Done():
			return uuid.Nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func (s *server) tryOpenLog(ctx context.Context) (uuid.UUID, error) {
	r := ByCLI(s.Clock())
	if _, err := commands.Handle(ctx, s.env, r, commands.OpenLog{LogID: r.ID}); err != nil {
		return uuid.Nil, err
	}
	id, err := s.backends.Log(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	_, err = commands.Handle(ctx, s.env, r, commands.DefaultServer())
	return id, err
}

// Version is what /api/system/version tells: the version of ElizaOS whose API this is.
const Version = "1.2.0"

// ByCLI is a request of whoever has the data folder.
func ByCLI(at time.Time) commands.Request {
	id := NewID()
	return commands.Request{ID: id, At: at.UTC(), Actor: "cli", Correlation: id, Causation: id}
}
