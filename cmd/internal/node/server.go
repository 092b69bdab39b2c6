package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/cmd/internal/telemetry"
	"annals/commands"
	"annals/commands/reactions"
	"annals/events"
	"annals/events/chain"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	"annals/transport/dashboard"
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/web"
	"annals/transport/httpserver"
	"annals/transport/live"
	"annals/transport/media"
	"annals/transport/models"
	"annals/transport/secrets"
	"annals/transport/serverlog"
	"annals/transport/socketio"
)

// server is what a running server consists of. Its steps are called in the order of Serve or of ServeAsOf, each once.
type server struct {
	Options
	lines *serverlog.Ring
	fail  context.CancelCauseFunc
	stop  context.CancelFunc
	ends  []func()

	shell    *web.Shell
	listener net.Listener
	backends *Backends
	watch    telemetry.Telemetry
	env      commands.Env
	logID    uuid.UUID

	reading *pgxpool.Pool
	queries *queries.Queries
	model   reactions.Embedder
	secrets secrets.Vault
	models  *models.Characters
	media   *media.Store
	asOf    engine.Past // of ServeAsOf alone

	feed      *engine.Feed
	live      *live.Hub
	rooms     *socketio.Hub
	turns     *notifier // by message
	answers   *answers
	agentLogs *notifier // by agent
	aborts    *reactions.Aborts
	filesGone chan struct{}
	timed     chan struct{} // is woken when something has got a deadline
	heads     *chain.Keeper
	api       *frame.API
}

// later does something when the server ends: what was begun last ends first.
func (s *server) later(end func()) { s.ends = append(s.ends, end) }

func (s *server) end() {
	for _, end := range slices.Backward(s.ends) {
		end()
	}
}

// background runs a part until the server ends. A part that fails before stops the server.
func (s *server) background(ctx context.Context, name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil && ctx.Err() == nil {
			s.fail(fmt.Errorf("%s: %w", name, err))
		}
	}()
	s.later(func() { cancel(); <-done })
}

// openPage reads what is served at /, nothing where none is named.
func (s *server) openPage(context.Context) (err error) {
	if s.ElizaUIDir != "" {
		s.shell, err = web.ReadShell(s.ElizaUIDir)
	}
	return err
}

// listen takes the port before anything else: early connections queue instead of failing.
func (s *server) listen(ctx context.Context) (err error) {
	s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return fmt.Errorf("%w: set SERVER_PORT or SERVER_HOST", err)
	}
	s.later(func() { _ = s.listener.Close() })
	return s.allows(s.listener.Addr())
}

// open opens the log.
func (s *server) open(ctx context.Context) (err error) {
	s.backends, err = Start(ctx, s.Options)
	s.later(func() { s.backends.Stop(ctx) })
	if err != nil {
		return err
	}
	s.background(ctx, "event store", s.backends.Watch)
	s.watch, err = telemetry.New(ctx, s.TracesURL, Version)
	s.later(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Drain)
		defer cancel()
		closing(s.Logger, "traces", func() error { return s.watch.Stop(ctx) })
	})
	if err != nil {
		return err
	}
	s.env = commands.Env{Store: s.watch.Store(s.backends.Store), States: commands.NewStates(s.backends.Store), Watch: s.watch.Command}
	if s.logID, err = s.openLog(ctx); err != nil {
		return err
	}
	s.background(ctx, "keys", s.backends.scanKeys)
	return nil
}

// readCurrent opens the read models that the feed keeps up to date.
func (s *server) readCurrent(ctx context.Context) error {
	return s.read(ctx, currentViews())
}

// read opens what is read from: read models, through the views in a schema, and uploads.
func (s *server) read(ctx context.Context, views string) (err error) {
	if s.reading, err = s.backends.poolOf(ctx, views); err != nil {
		return err
	}
	s.later(s.reading.Close)
	expensive, err := s.backends.expensivePoolOf(ctx, views)
	if err != nil {
		return err
	}
	s.later(expensive.Close)
	s.queries, s.model = queries.New(s.reading).WithExpensive(expensive), s.Models().Embedder()
	s.secrets = s.backends.secretVault(context.WithoutCancel(ctx))
	s.models = models.NewCharacters(s.Models(), strings.Split(s.AgentModelHosts, ","), s.secrets.Decrypt)
	if s.media, err = openMedia(ctx, s.Config, s.backends.folder); err != nil {
		return err
	}
	s.later(func() { closing(s.Logger, "blobs", s.media.Close) })
	return nil
}

// push makes the feed, and those who are told what it has committed.
func (s *server) push(context.Context) error {
	s.filesGone, s.timed = make(chan struct{}, 1), make(chan struct{}, 1)
	s.turns, s.agentLogs, s.answers, s.aborts = newNotifier(), newNotifier(), newAnswers(), reactions.NewAborts()
	proxies := s.proxies()
	s.live = live.New(live.Options{
		Log: s.logID, Store: s.backends.Store, Logger: s.Logger, Client: proxies.ClientOf,
		Origin: func(*http.Request) bool { return true }, // the API has looked at it
	})
	o := s.backends.Projections(s.logID)
	o.Observe, o.Committed, o.Together = s.observe, s.committed, pushedGroups
	o.Readable = func(batch []events.Recorded, upTo events.Position) { //nolint:contextcheck // sockets outlive requests
		defer s.watch.Pushed("/ws", batch)()
		s.live.Publish(batch, upTo)
	}
	s.feed = engine.NewFeed(o)
	s.rooms = socketio.New(socketio.Options{
		Env: s.env, Channels: s.queries, Waiter: s.feed, Logs: s.lines, Clock: s.Clock, NewID: NewID, Logger: s.Logger, Client: proxies.ClientOf,
		Identify: func(r *http.Request, key string) (string, error) { return s.api.Identify(r, key) }, // is there before the first client
	})
	return nil
}

func (s *server) observe(e events.Recorded) {
	if erased, ok := e.Event.(events.SubjectErased); ok {
		s.backends.Codec.Forget(erased.SubjectID, erased.Erasure(e.Position))
	}
	s.env.States.Observe(e)
	s.aborts.Observe(e)
}

func (s *server) committed(group string, batch []events.Recorded, _ events.Position) {
	s.watch.Committed(group, batch)
	if group != projections.GroupCore {
		return
	}
	defer s.watch.Pushed("socket.io", batch)()
	for _, e := range batch {
		switch f := e.Event.(type) {
		case events.LogRecorded:
			s.agentLogs.notify(f.AgentID)
		case events.TurnCompleted:
			s.agentLogs.notify(f.AgentID)
			s.turns.notify(f.MessageID)
			s.answers.end(f.MessageID, f.AgentID)
		}
	}
	s.rooms.Publish(batch)
	if removesFiles(batch) {
		ring(s.filesGone)
	}
	if hasDeadline(batch) {
		ring(s.timed)
	}
}

// react begins to project, and to deal with what was recorded.
func (s *server) react(ctx context.Context) error {
	s.background(ctx, "projections", s.feed.Run)
	for _, d := range s.Reactions {
		s.background(ctx, d.Name, s.reaction(d))
	}
	s.background(ctx, "sweep", s.sweep)
	s.background(ctx, "deadlines", s.endWhatIsDue)
	s.heads = chain.NewKeeper(chain.HeadWriter{
		Path: ChainIn(s.backends.folder), ID: s.logID, Log: s.backends.Store, Now: s.Clock,
		Decided: func(ctx context.Context) (time.Time, error) { return engine.LastDecision(ctx, s.reading, s.logID) },
	}, s.Logger)
	s.heads.Identity, s.heads.Send = s.identity, s.sendHeads()
	s.background(ctx, "chain", s.heads.Keep)
	return nil
}

// answer begins to answer clients.
func (s *server) answer(ctx context.Context) error {
	kinds := Vectors{Queries: s.queries, Model: s.model}
	s.background(ctx, "vectors", func(ctx context.Context) error { return kinds.tell(ctx, s.feed, s.Logger) })
	h := health{log: s.logID, store: s.backends.Store, codec: s.backends.Codec, database: s.reading, feed: s.feed, vectors: kinds}
	s.watch.Sockets("ws", s.live.Connected)
	s.watch.Sockets("socket.io", s.rooms.Connected)
	s.watch.Lags(h.projections)
	s.watch.ParkedEvents(parkedCounts(s.backends.Store))
	s.api = httpapi.New(s.options(ctx, h)) //nolint:contextcheck // each request brings its own
	s.warnOpen()
	s.handle(ctx, s.live, s.rooms)
	return s.backends.Announce(s.url())
}

// url is where clients on this machine reach the server.
func (s *server) url() string { return "http://" + s.listener.Addr().String() }

// warnOpen says that there is no key, and loudly that other machines are let in all the same.
func (s *server) warnOpen() {
	switch {
	case s.Key != "":
	case s.AllowOpen == "on":
		s.Logger.Error("ALLOW_OPEN is on and there is no key: ANYONE WHO REACHES THIS SERVER CAN READ AND CHANGE EVERYTHING. "+
			"Set ELIZA_SERVER_AUTH_TOKEN, or keep others away from it.", "address", s.listener.Addr().String())
	default:
		s.Logger.Warn("Server authentication is disabled. Set ELIZA_SERVER_AUTH_TOKEN environment variable to enable.")
	}
}

// handle serves the API until the server ends: then the sockets are closed, with their position, and the requests drained.
func (s *server) handle(ctx context.Context, sockets ...io.Closer) {
	web := httpapi.Server(s.api, s.Logger)
	s.later(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Drain)
		defer cancel()
		closing(s.Logger, "http", func() error {
			drained := make(chan error, 1)
			go func() { drained <- web.Shutdown(ctx) }() // closes the listener first
			var err error
			for _, c := range sockets {
				err = errors.Join(err, c.Close())
			}
			return errors.Join(err, <-drained, web.Close())
		})
	})
	go func() {
		if err := httpserver.Serve(web, s.listener, s.Logger); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("http: %w", err))
		}
	}()
}

func (s *server) options(ctx context.Context, h health) httpapi.Options {
	c, store := s.Config, s.backends.Store
	api := httpapi.Options{
		Frame: frame.Options{
			Shared: frame.Shared{
				Env: s.env, Codec: s.backends.Codec, Queries: s.queries, Log: s.logID, Clock: s.Clock, NewID: NewID, Logger: s.Logger, Version: Version, Done: ctx,
			},
			Waiter: s.feed, Head: store.Head, Key: c.Key, Host: c.Host, CORSOrigin: c.CORSOrigin, RateLimit: c.RateLimit == "on",
			AllowOpen: c.AllowOpen == "on", Proxies: c.proxies(), Middleware: s.watch.Middleware(),
		},
		Secrets: s.secrets, Sockets: map[string]http.Handler{"/ws": s.live, "/socket.io/": s.rooms},
	}
	api.Agents.Logs, api.Agents.CharactersDir, api.Agents.CharacterURLs = s.agentLogs, c.CharactersDir, c.CharacterURLs == "on"
	api.Messaging.Turns, api.Messaging.Answers, api.Messaging.Titles = s.turns, s.answers, titles{reactions.Title{Env: s.env, Models: s.models, Now: s.Clock}}
	api.Sessions.Rules = c.rules()
	api.Memory.Embedder, api.Media.Store, api.History.Past = searched{s.model}, s.media, past{s.reading}
	api.History.Heads = s.heads
	api.History.Verify = s.verify
	api.Server.Health, api.Server.Deliveries, api.Server.Parked = h.check, deliveries(store), s.backends.parked(s.env, s.logID)
	api.Server.Lines, api.Server.Metrics, api.Server.Stop = s.lines, s.watch.Registry, s.stop
	api.System.Capabilities, api.System.Configuration = capabilities(c), c.Shown()
	api.System.DataDir, api.System.Release, api.System.Environment = s.backends.folder, Release, c.Environment
	api.Web.Shell, api.Web.Dashboard = s.shell, dashboard.New()
	return api
}
