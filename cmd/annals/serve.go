package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
	"annals/projections"
	"annals/queries"
	"annals/transport/dashboard"
	"annals/transport/httpapi"
	"annals/transport/live"
	"annals/transport/serverlog"
	"annals/transport/socketio"
)

// Serve is the command that runs a server.
type Serve struct {
	Config   `embed:""`
	ReadOnly bool   `name:"read-only" help:"Serve what was, from --schema: nothing can be written."`
	Schema   string `help:"With --read-only: what annals rebuild --until … --into has made."`
}

// drain bounds each step of stopping.
const drain = 10 * time.Second

// Run implements the command.
func (s *Serve) Run(ctx context.Context) error {
	if s.ReadOnly != (s.Schema != "") {
		return errors.New("--read-only and --schema go together")
	}
	run := serve
	if s.ReadOnly {
		run = func(ctx context.Context, c Config, log *slog.Logger, ready func(string)) error {
			return servePast(ctx, c, s.Schema, log, ready)
		}
	}
	return run(ctx, s.Config, s.logger(), func(url string) {
		fmt.Printf("annals serves %s/api — dashboard: %s/, API page: %s/api/docs, health: %s/api/server/health\n", url, url, url, url)
	})
}

// serve starts the parts one after another, tells ready where it listens, and stops them in the opposite order when the
// context ends, a client asks for it, or a part fails.
func serve(ctx context.Context, c Config, log *slog.Logger, ready func(url string)) (err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	defer func() { err = errors.Join(err, failure(ctx)) }()

	lines := serverlog.New()
	log = slog.New(lines.Beside(log.Handler()))

	shell, err := webClient(c)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("%w: set SERVER_PORT or SERVER_HOST", err)
	}
	defer func() { _ = listener.Close() }()

	parts, err := startParts(ctx, c, log)
	defer parts.stop(context.WithoutCancel(ctx), log)
	if err != nil {
		return err
	}
	watch, err := newWatch(ctx, c)
	defer func() { watch.stop(ctx, log) }()
	if err != nil {
		return err
	}
	bus := commands.Bus{Store: watch.store(parts.store), Parents: commands.NewParents(parts.store), Watch: watch.command}
	logID, err := openLog(ctx, bus, log)
	if err != nil {
		return err
	}

	reading, err := pool(ctx, parts.databaseURL)
	if err != nil {
		return err
	}
	defer reading.Close()
	q := queries.New(reading)
	model := embedder(c)

	hub := live.New(live.Options{
		Log: logID, Store: parts.store, Logger: log,
		Origin: func(*http.Request) bool { return true }, // the API has looked at it
	})
	kept, err := openMedia(ctx, c, parts.dir)
	if err != nil {
		return err
	}
	defer closing(log, "blobs", kept.Close)
	filesGone := make(chan struct{}, 1)
	var rooms *socketio.Hub
	answers, aborts, doings := newAnswers(), reactions.NewAborts(), newDoings()
	feed := projections.NewFeed(projections.Options{
		Store: parts.store, Postgres: parts.databaseURL, Log: logID, Projections: projections.All(), Logger: log,
		Together: pushedGroups, Readable: func(batch []events.Recorded, upTo events.Position) { //nolint:contextcheck // sockets outlive requests
			defer watch.pushed("/ws", batch)()
			hub.Publish(batch, upTo)
		},
		Observe: func(e events.Recorded) {
			if erased, ok := e.Event.(events.SubjectErased); ok {
				parts.codec.Forget(erased.SubjectID)
			}
			bus.Parents.Observe(e)
			aborts.Observe(e)
		},
		Committed: func(group string, batch []events.Recorded, _ events.Position) { //nolint:contextcheck // sockets outlive requests
			watch.committed(group, batch)
			if group == projections.GroupCore {
				defer watch.pushed("socket.io", batch)()
				answers.observe(batch)
				doings.observe(batch)
				rooms.Publish(batch)
				if removesFiles(batch) {
					ring(filesGone)
				}
			}
		},
	})
	var api *httpapi.API // is there before the first client
	rooms = socketio.New(socketio.Options{
		Bus: bus, Codec: parts.codec, Channels: q, Waiter: feed, Logs: lines, Clock: time.Now, NewID: newID, Logger: log,
		Identify: func(r *http.Request, key string) (string, bool) { return api.Identify(r, key) },
	})
	defer background(ctx, "projections", feed.Run, fail)()
	defer background(ctx, "memory", remember(parts, bus, c, feed, watch, log), fail)()
	defer background(ctx, "reactions", reply(parts, bus, c, q, model, feed, aborts, streaming(hub, rooms), watch, log), fail)()
	defer background(ctx, "embedding", embed(parts, bus, model, watch, log), fail)()

	defer background(ctx, "sweep", sweep(parts.store, q, feed, kept, filesGone, log), fail)()

	if parts.dir != nil {
		defer background(ctx, "chain", keepHeads(chainIn(parts.dir.path), logID, parts.store, log), fail)()
	}

	caughtUp := make(chan struct{})
	defer background(ctx, "catching up", func(ctx context.Context) error {
		defer close(caughtUp)
		defer ring(filesGone)
		return catchUp(ctx, feed, hub)
	}, fail)()
	select {
	case <-caughtUp:
	case <-ctx.Done():
	case <-time.After(patience):
		log.Warn("serving with read models that are behind: see /api/server/health")
	}

	kinds := vectors{q, model}
	defer background(ctx, "vectors", func(ctx context.Context) error { return kinds.tell(ctx, feed, log) }, fail)()
	h := health{log: logID, store: parts.store, database: reading, feed: feed, vectors: kinds}
	watch.sockets("ws", hub.Connected)
	watch.sockets("socket.io", rooms.Connected)
	watch.registry.MustRegister(lagging{h}, parkedNow{deliveries(parts.store)})
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	api = httpapi.New(httpapi.Options{ //nolint:contextcheck // each request brings its own
		Bus: bus, Codec: parts.codec, Queries: q, Past: past{reading}, Log: logID, Waiter: feed, Head: parts.store.Head, Turns: answers,
		AgentLogs: doings, Lines: lines, Done: ctx, Titles: titles{reactions.Title{Bus: bus, Text: textModel(c), Now: time.Now}}, Embedder: model,
		Deliveries: deliveries(parts.store), Capabilities: capabilities(textModel(c), c), Configuration: c.shown(), DataDir: parts.dir.path,
		Health: h.check, Middleware: watch.middleware(), Metrics: watch.registry,
		Parked: parkedEvents{parts.store, bus, logID},
		Clock:  time.Now, NewID: newID, Key: c.Key, Host: c.Host, CORSOrigin: c.CORSOrigin,
		CharactersDir: c.CharactersDir, CharacterURLs: c.CharacterURLs == "on", SecretSalt: c.SecretSalt,
		RateLimit: c.RateLimit == "on", Version: version, Environment: c.Environment, Stop: stop, Logger: log,
		Sockets: map[string]http.Handler{"/ws": hub, "/socket.io/": rooms}, Media: kept, Shell: shell, Dashboard: dashboard.New(),
	})
	if c.Key == "" {
		log.Warn("Server authentication is disabled. Set ELIZA_SERVER_AUTH_TOKEN environment variable to enable.")
	}
	server := httpapi.Server(api, log)
	defer closing(log, "http", func() error { return shutdown(context.WithoutCancel(ctx), server, hub, rooms) })
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
func catchUp(ctx context.Context, feed *projections.Feed, hub *live.Hub) error {
	start, err := feed.From(ctx)
	if err != nil {
		return err
	}
	if err := reach(ctx, feed, pushedGroups, start); err != nil {
		return err
	}
	hub.Begin(start)
	return reach(ctx, feed, askedGroups, start)
}

// reach waits until groups have come to a position, for as long as that takes.
func reach(ctx context.Context, feed *projections.Feed, groups []string, p events.Position) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		if err := waitAll(ctx, feed, groups, p); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func waitAll(ctx context.Context, feed *projections.Feed, groups []string, p events.Position) error {
	for _, group := range groups {
		if err := feed.Wait(ctx, group, p); err != nil {
			return err
		}
	}
	return nil
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
	ctx, cancel := context.WithTimeout(ctx, drain)
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

// newID is a new identifier of ours, ordered by time.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// openLog gives the log its identity and the default server, waiting for an event store that is away.
func openLog(ctx context.Context, bus commands.Bus, log *slog.Logger) (uuid.UUID, error) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		id, err := tryOpenLog(ctx, bus)
		if !errors.Is(err, events.ErrUnavailable) {
			return id, err
		}
		log.Warn("waiting for the event store", "error", err)
		select {
		case <-ctx.Done():
			return uuid.Nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func tryOpenLog(ctx context.Context, bus commands.Bus) (uuid.UUID, error) {
	r := byCLI()
	if _, err := commands.Handle(ctx, bus, r, commands.OpenLog{LogID: r.ID}); err != nil {
		return uuid.Nil, err
	}
	opened, err := commands.Load[commands.Log](ctx, bus, events.LogStream)
	if err != nil {
		return uuid.Nil, err
	}
	_, err = commands.Handle(ctx, bus, r, commands.DefaultServer())
	return opened.ID, err
}
