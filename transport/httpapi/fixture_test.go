package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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
	"annals/events/esdb"
	"annals/projections"
	"annals/projections/engine"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/server"
	"annals/transport/httpapi/system"
	"annals/transport/media"
	"annals/transport/models/hashing"
	"annals/transport/serverlog"
)

// patience bounds everything in these tests that waits.
const patience = 30 * time.Second

// pathParameter is a parameter as descriptions write it, routeParameter as routes do.
var (
	pathParameter  = regexp.MustCompile(`\{(\w+)\}`)
	routeParameter = regexp.MustCompile(`[:*](\w+)`)
)

// fixture is the API on a log, projections and PostgreSQL of its own.
type fixture struct {
	t   testing.TB
	url string
	api *frame.API
	// options are those that the API was made with.
	options Options
	store   *esdb.Store
	env     commands.Env
	log     uuid.UUID
	logs    *record
	lines   *serverlog.Ring
	// stopped is closed when a client has stopped the server.
	stopped chan struct{}
	turns   *wakings
	feed    frame.Waiter
	// titles names conversations.
	titles naming
	// pool closes to play a database that is away.
	pool   *pgxpool.Pool
	health func() server.Health
}

// serve starts a server until the test ends.
func serve(t testing.TB, change ...func(*Options)) *fixture {
	t.Helper()
	keys, err := events.NewFileKeys(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	codec := events.NewCodec(keys)
	s := &fixture{t: t, store: openStore(t, codec), logs: &record{}, lines: serverlog.New(), stopped: make(chan struct{}), turns: &wakings{}, titles: func() (string, error) { return "A title", nil }}
	s.env = commands.Env{Store: s.store, States: commands.NewStates(s.store)}
	s.log = frame.NewID()
	s.handle(commands.OpenLog{LogID: s.log})
	must(t, do(s.env, commands.DefaultServer()))

	database := pgtest.New(t)
	config, err := queries.Config(database, engine.Views(projections.All()))
	must(t, err)
	s.pool, err = pgxpool.NewWithConfig(context.Background(), config)
	must(t, err)
	t.Cleanup(s.pool.Close)
	feed := engine.NewFeed(engine.Options{
		Store: s.store, Postgres: database, Log: s.log, Projections: projections.All(), Logger: slog.New(slog.DiscardHandler),
		Observe:   s.env.States.Observe,
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
	t.Cleanup(func() { cancel(); running.Wait() })

	s.health = func() server.Health { return server.Health{Dependencies: map[string]string{"database": ""}} }
	blobs, err := media.Folder(filepath.Join(t.TempDir(), "blobs"))
	must(t, err)
	t.Cleanup(func() { must(t, blobs.Close()) })
	kept, err := media.New(blobs, t.TempDir())
	must(t, err)
	o := Options{
		Frame: frame.Options{
			Shared: frame.Shared{
				Env: s.env, Codec: codec, Queries: queries.New(s.pool), Log: s.log, Done: ctx, Version: "1.2.3",
				Logger: slog.New(s.lines.Beside(slog.NewTextHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))),
			},
			Waiter: feed, Head: s.store.Head,
		},
	}
	o.Agents.Logs, o.Agents.CharactersDir = s.turns, t.TempDir()
	o.Messaging.Turns, o.Messaging.Titles = s.turns, s.titles
	o.Memory.Embedder, o.Media.Store, o.History.Past = hashing.Embedder{}, kept, replays{s.pool}
	o.Server.Deliveries = func(context.Context) ([]server.Delivery, error) {
		return []server.Delivery{{Group: "reply", Parked: 1}}, nil
	}
	o.Server.Health = func(context.Context) server.Health { return s.health() }
	o.Server.Lines, o.Server.Stop = s.lines, func() { close(s.stopped) }
	o.System.Capabilities = func(context.Context) system.Capabilities {
		return system.Capabilities{Models: []system.Capability{{Kind: "text", Name: "classic"}}}
	}
	o.System.Configuration, o.System.DataDir, o.System.Environment = map[string]string{"DATA_DIR": "here"}, t.TempDir(), "test"
	for _, f := range change {
		f(&o)
	}
	s.api, s.options = New(o), o
	h := httptest.NewUnstartedServer(s.api)
	h.Config = Server(s.api, slog.New(slog.DiscardHandler))
	h.Start()
	t.Cleanup(h.Close)
	s.url = h.URL
	s.caughtUp() // the tables are there
	return s
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

// naming gives every conversation the same title, or none.
type naming func() (string, error)

func (n naming) Title(context.Context, commands.Request, uuid.UUID, uuid.UUID, []queries.Message) (string, commands.Result, error) {
	title, err := n()
	return title, commands.Result{}, err
}

// wakings wakes whoever waits for turns.
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

// Watch implements AgentLogs: everybody is woken by everything.
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

// do runs a command as the server itself.
func do[S commands.State[S], A any](b commands.Env, cmd commands.Command[S, A]) error {
	r := commands.Request{ID: frame.NewID(), At: time.Now().UTC().Truncate(time.Millisecond), Actor: "cli"}
	_, err := commands.Handle(context.Background(), b, r, cmd)
	return err
}

func (s *fixture) handle(cmd commands.OpenLog) { s.t.Helper(); must(s.t, do(s.env, cmd)) }

// caughtUp waits until all that is in the log can be read.
func (s *fixture) caughtUp() {
	s.t.Helper()
	until, enough := context.WithTimeout(context.Background(), patience)
	defer enough()
	head := s.head()
	for _, group := range []string{frame.Core, frame.Memories, frame.Vectors, frame.History} {
		for s.feed.Wait(until, group, head) != nil {
			must(s.t, until.Err())
			time.Sleep(time.Millisecond)
		}
	}
}

func (s *fixture) head() events.Position {
	p, err := s.store.Head(context.Background())
	must(s.t, err)
	return p
}

// answered is what came back.
type answered struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

// ask sends a request; body may be text, or anything that becomes JSON. Headers come in pairs.
func (s *fixture) ask(method, path string, body any, headers ...string) answered {
	s.t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		must(s.t, err)
		content = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, content)
	must(s.t, err)
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	response, err := description().Transport(http.DefaultTransport, func(err error) { s.t.Error(err) }).RoundTrip(r)
	must(s.t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	must(s.t, err)
	return answered{s.t, method + " " + path, response.StatusCode, response.Header, raw}
}

// is fails the test unless the status is that.
func (a answered) is(status int) answered {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, not %d: %s", a.what, a.status, status, a.body)
	}
	return a
}

// refused fails the test unless the answer is an error in its envelope with that status and code.
func (a answered) refused(status int, code string) answered {
	a.t.Helper()
	var e struct {
		Success *bool
		Error   struct{ Code, Message string }
	}
	if err := json.Unmarshal(a.body, &e); err != nil || e.Success == nil || *e.Success || e.Error.Message == "" {
		a.t.Fatalf("%s: status %d, no error in an envelope: %.300s", a.what, a.status, a.body)
	}
	if a.is(status); e.Error.Code != code {
		a.t.Fatalf("%s: code %s, not %s: %s", a.what, e.Error.Code, code, a.body)
	}
	return a
}

// data decodes the data of a success.
func (a answered) data(into any) answered {
	a.t.Helper()
	var e struct {
		Success bool
		Data    json.RawMessage
	}
	if err := json.Unmarshal(a.body, &e); err != nil || !e.Success {
		a.t.Fatalf("%s: no success: %s", a.what, a.body)
	}
	must(a.t, json.Unmarshal(e.Data, into))
	return a
}

// at decodes data at a dotted path, such as "servers.0.id"; nil where a list is too short.
func (a answered) at(path string) any {
	a.t.Helper()
	var v any
	a.data(&v)
	return a.within(v, path)
}

// field is at from the top of the answer.
func (a answered) field(path string) any {
	a.t.Helper()
	var v any
	must(a.t, json.Unmarshal(a.body, &v))
	return a.within(v, path)
}

func (a answered) within(v any, path string) any {
	a.t.Helper()
	for _, key := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[key]
		case []any:
			i, err := strconv.Atoi(key)
			must(a.t, err)
			if v = nil; i < len(in) {
				v = in[i]
			}
		default:
			a.t.Fatalf("%s: no %s in %s", a.what, path, a.body)
		}
	}
	return v
}

// eventually waits for a condition of which nobody tells.
func (s *fixture) eventually(what string, holds func() bool) {
	s.t.Helper()
	for until := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			s.t.Fatalf("in vain: %s", what)
		}
	}
}

func (a answered) text(path string) string {
	a.t.Helper()
	s, ok := a.at(path).(string)
	if !ok {
		a.t.Fatalf("%s: no text at %s in %s", a.what, path, a.body)
	}
	return s
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o600))
}

func jsonText(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
