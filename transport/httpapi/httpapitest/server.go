package httpapitest

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/commands"
	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/events/chain"
	"annals/events/esdb"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	"annals/transport/httpapi"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/server"
	"annals/transport/httpapi/system"
	"annals/transport/media"
	"annals/transport/models/hashing"
	"annals/transport/secrets"
	"annals/transport/serverlog"
)

// patience bounds everything in these tests that waits.
const patience = time.Minute

// Server is the API on a log, projections and PostgreSQL of its own.
type Server struct {
	T   testing.TB
	URL string
	API *frame.API
	// Options are those that the API was made with.
	Options httpapi.Options
	Store   *esdb.Store
	Env     commands.Env
	Log     uuid.UUID
	Logs    *record
	Lines   *serverlog.Ring
	// Stopped is closed when a client has stopped the server.
	Stopped chan struct{}
	turns   *wakings
	feed    frame.Waiter
	// titles names conversations.
	titles Naming
	// Pool closes to play a database that is away.
	Pool   *pgxpool.Pool
	Health func() server.Health
}

// log is the id of the log of every server: the read models of an empty log are made once, and copied for each.
var (
	log      = frame.NewID()
	template pgtest.Template
)

// prepare makes the read models of an empty log.
func prepare(t testing.TB, empty events.Store, url string) {
	feed := engine.NewFeed(engine.Options{Store: empty, Postgres: url, Log: log, Projections: projections.All(), Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { must(t, feed.Run(ctx)) })
	for slices.ContainsFunc(feed.Status(), func(s engine.Status) bool { return s.Generation == 0 }) {
		time.Sleep(time.Millisecond)
	}
	cancel()
	running.Wait()
}

// Serve starts a server until the test ends.
func Serve(t testing.TB, change ...func(*httpapi.Options)) *Server {
	t.Helper()
	keys, err := events.NewFileKeys(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	codec := events.NewCodec(keys)
	s := &Server{T: t, Store: openStore(t, codec), Logs: &record{}, Lines: serverlog.New(), Stopped: make(chan struct{}), turns: &wakings{}, titles: func() (string, error) { return "A title", nil }}
	s.Env = commands.Env{Store: s.Store, States: commands.NewStates(s.Store)}
	s.Log = log
	database := template.New(t, func(url string) { prepare(t, s.Store, url) })
	s.handle(commands.OpenLog{LogID: s.Log})
	must(t, Do(s.Env, commands.DefaultServer()))

	config, err := queries.Config(database, engine.Views(projections.All()))
	must(t, err)
	s.Pool, err = pgxpool.NewWithConfig(context.Background(), config)
	must(t, err)
	t.Cleanup(s.Pool.Close)
	feed := engine.NewFeed(engine.Options{
		Store: s.Store, Postgres: database, Log: s.Log, Projections: projections.All(), Logger: slog.New(slog.DiscardHandler),
		Observe:   s.Env.States.Observe,
		Committed: func(string, []events.Recorded, events.Position) { s.turns.wake() },
	})
	s.feed = feed
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := feed.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	heads := chain.NewKeeper(chain.HeadWriter{
		Path: filepath.Join(t.TempDir(), "chain"), ID: s.Log, Log: s.Store, Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Now: time.Now,
	}, slog.New(slog.DiscardHandler))
	running.Go(func() { must(t, heads.Keep(ctx)) })
	t.Cleanup(func() { cancel(); running.Wait() })

	s.Health = func() server.Health { return server.Health{Dependencies: map[string]string{"database": ""}} }
	blobs, err := media.Folder(filepath.Join(t.TempDir(), "blobs"))
	must(t, err)
	t.Cleanup(func() { must(t, blobs.Close()) })
	kept, err := media.New(blobs, t.TempDir())
	must(t, err)
	o := httpapi.Options{
		Frame: frame.Options{
			Shared: frame.Shared{
				Env: s.Env, Codec: codec, Queries: queries.New(s.Pool), Log: s.Log, Done: ctx, Version: "1.2.3",
				Logger: slog.New(s.Lines.Beside(slog.NewTextHandler(s.Logs, &slog.HandlerOptions{Level: slog.LevelDebug}))),
			},
			Waiter: feed, Head: s.Store.Head,
		},
		Secrets: secrets.New("the salt of tests"),
	}
	o.Agents.Logs, o.Agents.CharactersDir = s.turns, t.TempDir()
	o.Messaging.Turns, o.Messaging.Answers, o.Messaging.Titles = s.turns, s.turns, s.titles
	o.Memory.Embedder, o.Media.Store, o.History.Past = Asking{hashing.Embedder{}}, kept, replays{s.Pool}
	o.History.Heads = heads
	o.Server.Deliveries = func(context.Context) ([]server.Delivery, error) {
		return []server.Delivery{{Group: "reply", Parked: 1}}, nil
	}
	o.Server.Health = func(context.Context) server.Health { return s.Health() }
	o.Server.Lines, o.Server.Stop = s.Lines, func() { close(s.Stopped) }
	o.System.Capabilities = func(context.Context) system.Capabilities {
		return system.Capabilities{Models: []system.Capability{{Kind: "text", Name: "classic"}}}
	}
	o.System.Configuration, o.System.DataDir, o.System.Environment = map[string]string{"DATA_DIR": "here"}, t.TempDir(), "test"
	for _, f := range change {
		f(&o)
	}
	s.API, s.Options = httpapi.New(o), o
	s.URL = listen(t, s.API)
	s.CaughtUp() // the tables are there
	return s
}

// Start serves an API until the test ends, with nothing behind it but what the options name, and returns its URL.
func Start(t testing.TB, o httpapi.Options) string { return listen(t, httpapi.New(o)) }

func listen(t testing.TB, api *frame.API) string {
	h := httptest.NewUnstartedServer(api)
	h.Config = httpapi.Server(api, slog.New(slog.DiscardHandler))
	h.Start()
	t.Cleanup(h.Close)
	return h.URL
}

// replays shows things as they were.
type replays struct{ pool *pgxpool.Pool }

func (r replays) Replay(
	ctx context.Context, models []string, before, steps []events.Recorded, show func(context.Context, *queries.Queries) error,
) error {
	return engine.Replay(ctx, r.pool, projections.All(), models, before, steps, func(ctx context.Context, tx pgx.Tx) error {
		return show(ctx, queries.In(tx))
	})
}

// Naming gives every conversation the same title, or none.
type Naming func() (string, error)

// Title implements messaging.Titles.
func (n Naming) Title(context.Context, commands.Request, uuid.UUID, uuid.UUID, []queries.Message) (string, commands.Result, error) {
	title, err := n()
	return title, commands.Result{}, err
}

// Saying is an answer that comes into being in pieces: each time that it is looked at there is one more, and then none.
type Saying struct {
	wakings
	texts []string
}

// Pieces is what there is of the answer, one time after the other.
func (s *Saying) Pieces(texts ...string) {
	s.texts = texts
	s.wake()
}

// Text implements messaging.Answers.
func (s *Saying) Text(uuid.UUID) (text string, attempt int64) {
	defer s.wake()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.texts) == 0 {
		return "", 0
	}
	text, s.texts = s.texts[0], s.texts[1:]
	return text, 1
}

// wakings wakes the callers that wait for turns.
type wakings struct {
	mu      sync.Mutex
	waiting []chan struct{}
}

func (w *wakings) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.waiting {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Text implements messaging.Answers: nothing is said before it is recorded.
func (*wakings) Text(uuid.UUID) (text string, attempt int64) { return "", 0 }

// Watch implements AgentLogs and messaging.Answers: everybody is woken by everything.
func (w *wakings) Watch(uuid.UUID) (woken <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, c)
	return c, func() {}
}

func (w *wakings) Await(ctx context.Context, _ uuid.UUID, done func(context.Context) (bool, error)) error {
	woken := make(chan struct{}, 1)
	w.mu.Lock()
	w.waiting = append(w.waiting, woken)
	w.mu.Unlock()
	for {
		if ok, err := done(ctx); ok || err != nil {
			return err
		}
		select {
		case <-woken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// record keeps what was logged.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Do runs a command as the server itself.
func Do[S commands.State[S], A any](b commands.Env, cmd commands.Command[S, A]) error {
	r := commands.Request{ID: frame.NewID(), At: time.Now().UTC().Truncate(time.Millisecond), Actor: "cli"}
	_, err := commands.Handle(context.Background(), b, r, cmd)
	return err
}

func (s *Server) handle(cmd commands.OpenLog) { s.T.Helper(); must(s.T, Do(s.Env, cmd)) }

// CaughtUp waits until all that is in the log can be read.
func (s *Server) CaughtUp() {
	s.T.Helper()
	s.Readable(s.Head(), frame.Core, frame.Memories, frame.Vectors, frame.History)
}

// Readable waits until what is recorded up to a position can be read from these groups, through moments in which the feed has lost
// PostgreSQL: on a busy machine it may be silent for so long that its session ends.
func (s *Server) Readable(p events.Position, groups ...string) {
	s.T.Helper()
	until, enough := context.WithTimeout(context.Background(), patience)
	defer enough()
	for _, group := range groups {
		for s.feed.Wait(until, group, p) != nil {
			must(s.T, until.Err())
			time.Sleep(time.Millisecond)
		}
	}
}

// Head is the position of the newest event.
func (s *Server) Head() events.Position {
	p, err := s.Store.Head(context.Background())
	must(s.T, err)
	return p
}

// Eventually waits for a condition of which nobody tells.
func (s *Server) Eventually(what string, holds func() bool) {
	s.T.Helper()
	for until := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			s.T.Fatalf("in vain: %s", what)
		}
	}
}
