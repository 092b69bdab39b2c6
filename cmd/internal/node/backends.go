package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"annals/commands"
	"annals/commands/reactions"
	"annals/deploy/host"
	"annals/deploy/postgres"
	"annals/events"
	"annals/events/embedded"
	"annals/events/esdb"
	"annals/events/vault"
)

// Options are what a server, or a command that works beside one, is started with.
type Options struct {
	Config
	Logger *slog.Logger     // nil: the configuration's
	Clock  func() time.Time // nil: the system's
	// Reactions are what deals with what was recorded; nil: those of this build.
	Reactions []reactions.Declaration
	// AnyLog takes the log as it is, whatever it was before: for what only reads it, and for what an operator has decided.
	AnyLog bool
}

func (o Options) complete() Options {
	if o.Logger == nil {
		o.Logger = o.Config.Logger()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Reactions == nil {
		o.Reactions = reactions.All()
	}
	return o
}

// Backends are the event store and the database, embedded or elsewhere.
type Backends struct {
	Store       *esdb.Store
	Codec       *events.Codec
	DatabaseURL string

	options Options
	folder  string   // the data folder
	dir     *dataDir // nil beside a running server
	found   addresses
	vault   *vault.Keys
	node    *embedded.Node
	// unserved gets why the node is not served any more.
	unserved chan error
	cluster  *postgres.Cluster
	mark     events.Mark // what the read models stood at
	// recognized: mark is known, be it that there is none.
	recognized bool
}

// Start takes the data folder and starts what is embedded, database and event store at the same time. What it returns
// has to be stopped, also after an error.
func Start(ctx context.Context, o Options) (*Backends, error) {
	b := &Backends{options: o.complete(), DatabaseURL: o.PostgresURL}
	log := b.options.Logger
	var err error
	if b.dir, err = openDataDir(o.DataDir); err != nil {
		return b, err
	}
	b.folder = b.dir.path
	if err := b.openKeys(ctx); err != nil {
		return b, err
	}
	found := addresses{EventStore: SocketPath(b.folder)}
	var g errgroup.Group
	if o.PostgresURL == "" {
		g.Go(func() (err error) {
			say := func(format string, args ...any) { log.Info(fmt.Sprintf(format, args...)) }
			b.cluster, err = postgres.Start(ctx, postgres.Options{Dir: b.dir.join("postgres"), Say: say, Logger: log})
			return err
		})
	}
	g.Go(func() (err error) {
		if o.EventStoreURL == "" {
			if err := b.startNode(ctx, found.EventStore); err != nil {
				return err
			}
		}
		return b.openStore(ctx, found)
	})
	if err := g.Wait(); err != nil {
		return b, err
	}
	if b.cluster != nil {
		b.DatabaseURL = b.cluster.URL()
		found.Postgres = b.DatabaseURL
	}
	b.recognize(ctx)
	b.found = found
	return b, b.dir.tell(found)
}

// Announce writes down where the server answers clients.
func (b *Backends) Announce(url string) error {
	b.found.URL = url
	return b.dir.tell(b.found)
}

// errNothing: there is no log in the data folder.
var errNothing = errors.New("there is nothing yet")

// OpenExisting is Open for a command that works on what there is. Where nothing is, it makes nothing.
func OpenExisting(ctx context.Context, o Options) (*Backends, error) {
	missing := ""
	switch {
	case o.EventStoreURL == "":
		missing = "events"
	case o.PostgresURL == "":
		missing = "postgres"
	}
	if missing != "" {
		if _, err := os.Stat(filepath.Join(o.DataDir, missing)); errors.Is(err, fs.ErrNotExist) {
			return &Backends{options: o.complete()}, fmt.Errorf("%w in the data folder %s: set DATA_DIR to the folder of a server", errNothing, o.DataDir)
		}
	}
	return Open(ctx, o)
}

// OpenKeys opens the keys alone, for a log that is not in the store.
func OpenKeys(ctx context.Context, o Options) (*Backends, error) {
	b := &Backends{options: o.complete()}
	var err error
	if b.folder, err = filepath.Abs(o.DataDir); err != nil {
		return b, err
	}
	if _, err := os.Stat(KeysIn(b.folder)); err != nil && (o.EventStoreURL == "" || o.PostgresURL == "") {
		return b, fmt.Errorf("the keys of the log: %w: set DATA_DIR to the folder of a server", err)
	}
	return b, b.openKeys(ctx)
}

// OpenLog opens the keys and the event store of EVENTSTORE_URL, and starts nothing.
func OpenLog(ctx context.Context, o Options) (*Backends, error) {
	b, err := OpenKeys(ctx, o)
	if err == nil {
		err = b.openStore(ctx, addresses{})
	}
	return b, err
}

// reachable fails where the PostgreSQL of POSTGRES_URL cannot be reached: a command does not wait for it as a server does.
func reachable(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*probe)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("the PostgreSQL of POSTGRES_URL cannot be reached: %w; start it, or correct POSTGRES_URL", err)
	}
	return conn.Close(ctx)
}

// Open gives a command what a running server has embedded, or starts it when none runs. What it returns has to be stopped,
// also after an error.
func Open(ctx context.Context, o Options) (*Backends, error) {
	if o.PostgresURL != "" {
		if err := reachable(ctx, o.PostgresURL); err != nil {
			return &Backends{options: o.complete()}, err
		}
	}
	b, err := Start(ctx, o)
	if err == nil {
		b.sampleKeysSoon(ctx)
	}
	if !errors.Is(err, errInUse) {
		return b, err
	}
	var found addresses
	if b.folder, found, err = serving(o.DataDir); err != nil {
		return b, err
	}
	if o.PostgresURL == "" {
		b.DatabaseURL = found.Postgres
	}
	if err := b.openKeys(ctx); err != nil {
		return b, err
	}
	if err := b.openStore(ctx, found); err != nil {
		return b, err
	}
	b.recognize(ctx)
	b.sampleKeysSoon(ctx)
	return b, nil
}

// openKeys opens the keys where all nodes that share the log find them.
func (b *Backends) openKeys(ctx context.Context) error {
	var keys events.Keys
	var err error
	if b.options.EventStoreURL != "" && b.options.PostgresURL != "" {
		b.vault, err = vault.New(ctx, b.options.PostgresURL)
		keys = b.vault
	} else {
		keys, err = events.NewFileKeys(KeysIn(b.folder))
	}
	b.Codec = events.NewCodec(keys)
	return err
}

func (b *Backends) openStore(ctx context.Context, found addresses) (err error) {
	options := esdb.Options{URL: b.options.EventStoreURL, Codec: b.Codec, Logger: b.options.Logger}
	if options.URL == "" {
		options.Socket = found.EventStore
	}
	b.Store, err = esdb.Open(ctx, options)
	return err
}

// startNode opens the embedded event store and serves it at the socket.
func (b *Backends) startNode(ctx context.Context, socket string) (err error) {
	log := b.options.Logger
	if b.node, err = embedded.Open(ctx, embedded.Options{Dir: b.dir.join("events"), Logger: log}); err != nil {
		return err
	}
	l, err := host.ListenPrivate(socket)
	if err != nil {
		return err
	}
	b.unserved = make(chan error, 1)
	go func() {
		lost := func(err error) { log.Warn("the event store lost its socket and listens again", "error", err) }
		if err := host.KeepServing(l, socket, b.node.Serve, lost); err != nil {
			b.unserved <- err
		}
	}()
	return nil
}

// Watch returns why the embedded event store does not work any more; only a restart mends that. It returns nil when ctx ends.
func (b *Backends) Watch(ctx context.Context) error {
	var failed <-chan struct{}
	if b.node != nil {
		failed = b.node.Failed()
	}
	select {
	case <-failed:
		return b.node.Err()
	case err := <-b.unserved:
		return fmt.Errorf("it stopped serving: %w", err)
	case <-ctx.Done():
		return nil
	}
}

// Alone reports whether no server runs beside: this process holds the data folder.
func (b *Backends) Alone() bool { return b.dir != nil }

// Stop closes what was opened and ends what was started, even when ctx has ended.
func (b *Backends) Stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Drain)
	defer cancel()
	log := b.options.Logger
	if b.Store != nil {
		closing(log, "event store client", func() error { return b.Store.Close(ctx) })
	}
	if b.node != nil {
		closing(log, "event store", func() error { return b.node.Close(ctx) })
	}
	if b.vault != nil {
		b.vault.Close()
	}
	if b.cluster != nil {
		closing(log, "PostgreSQL", func() error { return b.cluster.Stop(ctx) })
	}
	if b.dir != nil {
		closing(log, "data folder", b.dir.Close)
	}
}

// Env handles the commands of a process that no server's caches keep up to date.
func (b *Backends) Env() commands.Env {
	return commands.Env{Store: b.Store, States: commands.NewStates(b.Store)}
}

// Log returns the id of the log; an empty log has none.
func (b *Backends) Log(ctx context.Context) (uuid.UUID, error) {
	opened, err := commands.Load[commands.Log](ctx, commands.Env{Store: b.Store}, events.LogStream)
	return opened.ID, err
}
