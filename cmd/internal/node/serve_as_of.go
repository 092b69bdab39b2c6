package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"

	"annals/commands"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
)

// ServeAsOf serves what was: read models that `annals rebuild --until` has built, which nothing moves. No command is
// handled, no agent answers, and there is nothing to subscribe to.
func ServeAsOf(ctx context.Context, o Options, schema string, ready func(url string)) (err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	defer func() { err = errors.Join(err, failure(ctx)) }()
	o, lines := o.keepingLines()
	c, log := o.Config, o.Logger
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("%w: set SERVER_PORT or SERVER_HOST", err)
	}
	defer func() { _ = listener.Close() }()
	b, err := Open(ctx, o)
	defer b.Stop(ctx)
	if err != nil {
		return err
	}
	reading, err := b.poolOf(ctx, schema)
	if err != nil {
		return err
	}
	defer reading.Close()
	found, err := engine.FindPast(ctx, reading, schema)
	switch {
	case err != nil:
		return fmt.Errorf("%w: make it with annals rebuild --until TIME --into %s", err, schema)
	case !found.Ready:
		return fmt.Errorf("%s is not filled yet: the same annals rebuild goes on with it", schema)
	case found.Views != engine.Views(projections.All()):
		return fmt.Errorf("%s was filled by another build, whose read models differ: fill one with this build", schema)
	}
	folder, err := filepath.Abs(c.DataDir)
	if err != nil {
		return err
	}
	kept, err := openMedia(ctx, c, folder)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := o.asOf(b, found, reading)
	served.Server.Stop, served.Frame.Done, served.Server.Lines, served.Media.Store, served.System.DataDir = stop, ctx, lines, kept, folder
	api := httpapi.New(served) //nolint:contextcheck // each request brings its own
	server := httpapi.Server(api, log)
	defer closing(log, "http", func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Drain)
		defer cancel()
		return errors.Join(server.Shutdown(ctx), server.Close())
	})
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("http: %w", err))
		}
	}()
	ready("http://" + listener.Addr().String())
	<-ctx.Done()
	log.Info("stopping")
	return nil
}

// asOf are the options of an API that changes nothing.
func (o Options) asOf(b *Backends, found engine.Past, reading *pgxpool.Pool) httpapi.Options {
	c, q := o.Config, queries.New(reading)
	frozen := readOnlyStore{found.Position, q, b.Codec}
	return httpapi.Options{
		Frame: frame.Options{
			Shared: frame.Shared{
				Env: commands.Env{Store: frozen, States: commands.NewStates(frozen)}, Codec: b.Codec, Queries: q, Log: found.Log, Clock: o.Clock, NewID: NewID,
				Logger: o.Logger, Version: Version,
			},
			ReadOnly: true, Waiter: frozen, Head: frozen.Head, Key: c.Key, Host: c.Host, CORSOrigin: c.CORSOrigin, RateLimit: c.RateLimit == "on",
		},
		Agents:    httpapi.AgentsPorts{Logs: newNotifier(), CharactersDir: c.CharactersDir},
		Messaging: httpapi.MessagingPorts{Turns: newNotifier()},
		Memory:    httpapi.MemoryPorts{Embedder: c.Models().Embedder()},
		Server: httpapi.ServerPorts{
			Health: func(ctx context.Context) httpapi.Health {
				ctx, cancel := context.WithTimeout(ctx, probe)
				defer cancel()
				h := httpapi.Health{Dependencies: map[string]string{"postgres": ""}}
				if err := reading.Ping(ctx); err != nil {
					h.Dependencies["postgres"] = "PostgreSQL does not answer"
				}
				return h
			},
			Deliveries: func(context.Context) ([]httpapi.Delivery, error) { return nil, nil }, // no reaction runs
		},
		System:     httpapi.SystemPorts{Capabilities: capabilities(c), Configuration: c.Shown(), Environment: c.Environment},
		History:    httpapi.HistoryPorts{Past: past{reading}},
		SecretSalt: c.SecretSalt,
	}
}
