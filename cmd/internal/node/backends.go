package node

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

// Backends are what commands stand on: event store and database, embedded or elsewhere.
type Backends struct {
	Dir         *dataDir // nil beside a running server
	vault       *vault.Keys
	node        *embedded.Node
	cluster     *postgres.Cluster
	Store       *esdb.Store
	Codec       *events.Codec
	DatabaseURL string
}

// Start takes the data folder and starts what is embedded, database and event store at the same time. What it returns
// has to be stopped, also after an error.
func Start(ctx context.Context, c Config, log *slog.Logger) (*Backends, error) {
	p := &Backends{DatabaseURL: c.PostgresURL}
	var err error
	if p.Dir, err = OpenDataDir(c.DataDir); err != nil {
		return p, err
	}
	if err := p.openKeys(ctx, c, p.Dir.path); err != nil {
		return p, err
	}
	found := addresses{EventStore: SocketPath(p.Dir.path)}
	var g errgroup.Group
	if c.PostgresURL == "" {
		g.Go(func() (err error) {
			say := func(format string, args ...any) { log.Info(fmt.Sprintf(format, args...)) }
			p.cluster, err = postgres.Start(ctx, postgres.Options{Dir: p.Dir.join("postgres"), Say: say, Logger: log})
			return err
		})
	}
	g.Go(func() (err error) {
		if c.EventStoreURL == "" {
			if p.node, err = startNode(ctx, p.Dir.join("events"), found.EventStore, log); err != nil {
				return err
			}
		}
		return p.openStore(ctx, c, found, log)
	})
	if err := g.Wait(); err != nil {
		return p, err
	}
	if p.cluster != nil {
		p.DatabaseURL = p.cluster.URL()
		found.Postgres = p.DatabaseURL
	}
	return p, p.Dir.tell(found)
}

// Open gives a command that works beside a server what the server has embedded, or starts it when none runs. What it
// returns has to be stopped, also after an error.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Backends, error) {
	p, err := Start(ctx, c, log)
	if !errors.Is(err, errInUse) {
		return p, err
	}
	path, found, err := serving(c.DataDir)
	if err != nil {
		return p, err
	}
	if c.PostgresURL == "" {
		p.DatabaseURL = found.Postgres
	}
	if err := p.openKeys(ctx, c, path); err != nil {
		return p, err
	}
	return p, p.openStore(ctx, c, found, log)
}

// openKeys opens the keys where all nodes that share the log find them.
func (p *Backends) openKeys(ctx context.Context, c Config, dir string) error {
	var keys events.Keys
	var err error
	if c.EventStoreURL != "" && c.PostgresURL != "" {
		p.vault, err = vault.New(ctx, c.PostgresURL)
		keys = p.vault
	} else {
		keys, err = events.NewFileKeys(KeysIn(dir))
	}
	p.Codec = events.NewCodec(keys)
	return err
}

func (p *Backends) openStore(ctx context.Context, c Config, found addresses, log *slog.Logger) (err error) {
	options := esdb.Options{URL: c.EventStoreURL, Codec: p.Codec, Logger: log}
	if c.EventStoreURL == "" {
		options.Socket = found.EventStore
	}
	p.Store, err = esdb.Open(ctx, options)
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

func (p *Backends) Stop(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, Drain)
	defer cancel()
	if p.Store != nil {
		closing(log, "event store client", func() error { return p.Store.Close(ctx) })
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
	if p.Dir != nil {
		closing(log, "data folder", p.Dir.Close)
	}
}

// Pool reads through the views of this build.
func Pool(ctx context.Context, url string) (*pgxpool.Pool, error) {
	config, err := queries.Config(url, engine.Views(projections.All()))
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, config)
}
