package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"annals/deploy/host"
	"annals/deploy/postgres"
	"annals/events"
	"annals/events/embedded"
	"annals/events/esdb"
	"annals/events/vault"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
)

// parts are what commands stand on: event store and database, embedded or elsewhere.
type parts struct {
	dir         *dataDir // nil beside a running server
	vault       *vault.Keys
	node        *embedded.Node
	cluster     *postgres.Cluster
	store       *esdb.Store
	codec       *events.Codec
	databaseURL string
}

// startParts takes the data folder and starts what is embedded, database and event store at the same time. What it returns
// has to be stopped, also after an error.
func startParts(ctx context.Context, c Config, log *slog.Logger) (*parts, error) {
	p := &parts{databaseURL: c.PostgresURL}
	var err error
	if p.dir, err = openDataDir(c.DataDir); err != nil {
		return p, err
	}
	if err := p.openKeys(ctx, c, p.dir.path); err != nil {
		return p, err
	}
	found := addresses{EventStore: socketPath(p.dir.path)}
	var g errgroup.Group
	if c.PostgresURL == "" {
		g.Go(func() (err error) {
			say := func(format string, args ...any) { log.Info(fmt.Sprintf(format, args...)) }
			p.cluster, err = postgres.Start(ctx, postgres.Options{Dir: p.dir.join("postgres"), Say: say, Logger: log})
			return err
		})
	}
	g.Go(func() (err error) {
		if c.EventStoreURL == "" {
			if p.node, err = startNode(ctx, p.dir.join("events"), found.EventStore, log); err != nil {
				return err
			}
		}
		return p.openStore(ctx, c, found, log)
	})
	if err := g.Wait(); err != nil {
		return p, err
	}
	if p.cluster != nil {
		p.databaseURL = p.cluster.URL()
		found.Postgres = p.databaseURL
	}
	return p, p.dir.tell(found)
}

// openParts gives a command that works beside a server what the server has embedded, or starts it when none runs. What it
// returns has to be stopped, also after an error.
func openParts(ctx context.Context, c Config, log *slog.Logger) (*parts, error) {
	p, err := startParts(ctx, c, log)
	if !errors.Is(err, errInUse) {
		return p, err
	}
	path, found, err := serving(c.DataDir)
	if err != nil {
		return p, err
	}
	if c.PostgresURL == "" {
		p.databaseURL = found.Postgres
	}
	if err := p.openKeys(ctx, c, path); err != nil {
		return p, err
	}
	return p, p.openStore(ctx, c, found, log)
}

// openKeys opens the keys where all nodes that share the log find them.
func (p *parts) openKeys(ctx context.Context, c Config, dir string) error {
	var keys events.Keys
	var err error
	if c.EventStoreURL != "" && c.PostgresURL != "" {
		p.vault, err = vault.New(ctx, c.PostgresURL)
		keys = p.vault
	} else {
		keys, err = events.NewFileKeys(keysIn(dir))
	}
	p.codec = events.NewCodec(keys)
	return err
}

func (p *parts) openStore(ctx context.Context, c Config, found addresses, log *slog.Logger) (err error) {
	options := esdb.Options{URL: c.EventStoreURL, Codec: p.codec, Logger: log}
	if c.EventStoreURL == "" {
		options.Socket = found.EventStore
	}
	p.store, err = esdb.Open(ctx, options)
	return err
}

func startNode(ctx context.Context, dir, socket string, log *slog.Logger) (*embedded.Node, error) {
	node, err := embedded.Open(ctx, embedded.Options{Dir: dir, Logger: log})
	if err != nil {
		return nil, err
	}
	l, err := host.ListenPrivate(socket)
	if err != nil {
		return node, err
	}
	go func() {
		if err := node.Serve(l); err != nil {
			log.Error("the event store stopped serving", "error", err)
		}
	}()
	return node, nil
}

func (p *parts) stop(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	if p.store != nil {
		closing(log, "event store client", func() error { return p.store.Close(ctx) })
	}
	if p.node != nil {
		closing(log, "event store", func() error { return p.node.Close(ctx) })
	}
	if p.vault != nil {
		p.vault.Close()
	}
	if p.cluster != nil {
		closing(log, "PostgreSQL", func() error { return p.cluster.Stop(ctx) })
	}
	if p.dir != nil {
		closing(log, "data folder", p.dir.Close)
	}
}

// pool reads through the views of this build.
func pool(ctx context.Context, url string) (*pgxpool.Pool, error) {
	config, err := queries.Config(url, engine.Views(projections.All()))
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, config)
}
