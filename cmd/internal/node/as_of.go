package node

import (
	"context"
	"fmt"

	"annals/commands"
	"annals/projections/engine"
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	serverapi "annals/transport/httpapi/server"
)

// openBeside opens the backends, beside a running server or without one.
func (s *server) openBeside(ctx context.Context) (err error) {
	s.backends, err = Open(ctx, s.Options)
	s.later(func() { s.backends.Stop(ctx) })
	return err
}

// readPast opens the read models in a schema, which have to be those of this build.
func (s *server) readPast(ctx context.Context, schema string) (err error) {
	if err := s.read(ctx, schema); err != nil {
		return err
	}
	s.asOf, err = engine.FindPast(ctx, s.reading, schema)
	switch {
	case err != nil:
		return fmt.Errorf("%w: make it with annals rebuild --until TIME --into %s", err, schema)
	case !s.asOf.Ready:
		return fmt.Errorf("%s is not filled yet: the same annals rebuild goes on with it", schema)
	case s.asOf.Views != currentViews():
		return fmt.Errorf("%s was filled by another build, whose read models differ: fill one with this build", schema)
	}
	return nil
}

// answerPast begins to answer clients with an API that changes nothing.
func (s *server) answerPast(ctx context.Context) error {
	s.warnOpen()
	s.api = httpapi.New(s.pastOptions(ctx)) //nolint:contextcheck // each request brings its own
	s.handle(ctx)
	return nil
}

func (s *server) pastOptions(ctx context.Context) httpapi.Options {
	c := s.Config
	frozen := readOnlyStore{s.asOf.Position, s.queries, s.backends.Codec}
	api := httpapi.Options{
		Frame: frame.Options{
			Shared: frame.Shared{
				Env: commands.Env{Store: frozen, States: commands.NewStates(frozen)}, Codec: s.backends.Codec, Queries: s.queries, Log: s.asOf.Log,
				Clock: s.Clock, NewID: NewID, Logger: s.Logger, Version: Version, Done: ctx,
			},
			ReadOnly: true, Waiter: frozen, Head: frozen.Head, Key: c.Key, Host: c.Host, CORSOrigin: c.CORSOrigin, RateLimit: c.RateLimit == "on",
			AllowOpen: c.AllowOpen == "on", Proxies: c.proxies(),
		},
		Secrets: s.secrets,
	}
	api.Agents.Logs, api.Agents.CharactersDir, api.Messaging.Turns = newNotifier(), c.CharactersDir, newNotifier()
	api.Memory.Embedder, api.Media.Store, api.History.Past = searched{s.model}, s.media, past{s.reading}
	api.Server.Health, api.Server.Lines, api.Server.Stop = s.pastHealth, s.lines, s.stop
	api.Server.Deliveries = func(context.Context) ([]serverapi.Delivery, error) { return nil, nil } // no reaction runs
	api.System.Capabilities, api.System.Configuration = capabilities(c), c.Shown()
	api.System.DataDir, api.System.Environment = s.backends.folder, c.Environment
	return api
}

func (s *server) pastHealth(ctx context.Context) serverapi.Health {
	ctx, cancel := context.WithTimeout(ctx, probe)
	defer cancel()
	h := serverapi.Health{Dependencies: map[string]string{"postgres": ""}}
	if err := s.reading.Ping(ctx); err != nil {
		h.Dependencies["postgres"] = "PostgreSQL does not answer"
	}
	return h
}
