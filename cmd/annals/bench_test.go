package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/events/esdb"
	"annals/projections"
	"annals/projections/engine"
)

// measured is how long each side of a comparison runs.
const measured = 3 * time.Second

// rounds is into how many turns that time is cut: the sides take turns, since other work on the machine comes and goes.
const rounds = 6

// load lets clients repeat a request for a while, and gives the time that each took.
func load(b *testing.B, clients int, lasting time.Duration, request func(ctx context.Context, client, i int) error) []time.Duration {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	took := make([][]time.Duration, clients)
	start := time.Now()
	var running sync.WaitGroup
	for c := range clients {
		running.Go(func() {
			for i := 0; time.Since(start) < lasting; i++ {
				begun := time.Now()
				if err := request(ctx, c, i); err != nil {
					b.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(begun))
			}
		})
	}
	running.Wait()
	return slices.Concat(took...)
}

// beside reports ours and its bare counterpart, measured in turns.
func beside(b *testing.B, clients int, ours, bare func(ctx context.Context, client, i int) error) {
	b.Helper()
	for b.Loop() {
		var took, bareTook []time.Duration
		for range rounds {
			bareTook = append(bareTook, load(b, clients, measured/rounds, bare)...)
			took = append(took, load(b, clients, measured/rounds, ours)...)
		}
		slices.Sort(took)
		slices.Sort(bareTook)
		b.ReportMetric(float64(len(took))/measured.Seconds(), "req/s")
		b.ReportMetric(float64(len(bareTook))/measured.Seconds(), "bare-req/s")
		b.ReportMetric(100*float64(len(took))/float64(len(bareTook)), "%of-bare")
		b.ReportMetric(millis(took, 50), "p50-ms")
		b.ReportMetric(millis(took, 99), "p99-ms")
		b.ReportMetric(millis(bareTook, 50), "bare-p50-ms")
		b.ReportMetric(millis(bareTook, 99), "bare-p99-ms")
	}
	b.ReportMetric(0, "ns/op") // says nothing here
}

// millis is a percentile of sorted times.
func millis(took []time.Duration, percent int) float64 {
	return float64(took[len(took)*percent/100].Microseconds()) / 1000
}

// bareStore is a log and a table without anything of ours between them.
func bareStore(b *testing.B) (*esdb.Store, *pgxpool.Pool) {
	b.Helper()
	s, err := node.Start(b.Context(), node.Options{Config: node.Config{Places: node.Places{PostgresURL: pgtest.New(b), DataDir: b.TempDir(), LogLevel: "error"}}})
	b.Cleanup(func() { s.Stop(context.Background()) })
	if err != nil {
		b.Fatal(err)
	}
	pool, err := pgxpool.New(b.Context(), s.DatabaseURL)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	if _, err := pool.Exec(b.Context(), `create table bare (id uuid primary key, channel uuid, body json, at timestamptz);
		create index on bare (channel, at)`); err != nil {
		b.Fatal(err)
	}
	return s.Store, pool
}

// BenchmarkPostMessage posts to one channel, beside an append of the same event and an insert of the same row, one after the
// other. The real ElizaOS server on such a machine, with PostgreSQL: 284/s at 32 clients, 4.3 ms at one.
func BenchmarkPostMessage(b *testing.B) {
	for _, clients := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := inside(b, nil)
			channel := s.channel(b, "GROUP")
			store, pool := bareStore(b)
			content := strings.Repeat("some eighty characters of text ", 3)
			ours := func(ctx context.Context, _, _ int) error {
				_, a, err := s.post(ctx, channel, content)
				if err == nil && a.status != http.StatusCreated {
					err = fmt.Errorf("%d %s", a.status, a.body)
				}
				return err
			}
			bare := func(ctx context.Context, _, _ int) error { return appendAndInsert(ctx, store, pool, channel, content) }
			beside(b, clients, ours, bare)
		})
	}
}

func appendAndInsert(ctx context.Context, store *esdb.Store, pool *pgxpool.Pool, channel, content string) error {
	id := uuid.New()
	e := events.MessageSubmitted{
		MessageID: id, ChannelID: uuid.MustParse(channel), AuthorID: uuid.MustParse(somebody), AuthorName: "Somebody", Content: content,
	}
	meta := events.Metadata{Request: id, Correlation: id, Causation: id, Actor: "anonymous", At: time.Now()}
	if _, err := store.Append(ctx, events.MessageStream(id), events.NoStream, events.Proposed{ID: id, Event: e, Meta: meta}); err != nil {
		return err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = pool.Exec(ctx, `insert into bare values ($1, $2, $3, $4)`, id, channel, body, meta.At)
	return err
}

// bareServer answers a SELECT through net/http and encoding/json.
func bareServer[T any](b *testing.B, url, query string, args ...any) string {
	b.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		b.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["search_path"] = engine.Views(projections.All()) + ", public"
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rows, err := pool.Query(r.Context(), query, args...)
		if err == nil {
			var all []T
			all, err = pgx.CollectRows(rows, pgx.RowToStructByName[T])
			if err == nil {
				w.Header().Set("Content-Type", "application/json")
				err = json.NewEncoder(w).Encode(map[string]any{"success": true, "data": all})
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	b.Cleanup(server.Close)
	return server.URL
}

func get(c *client, path string) func(context.Context, int, int) error {
	return func(ctx context.Context, _, _ int) error {
		a, err := c.call(ctx, http.MethodGet, path, nil)
		if err == nil && a.status != http.StatusOK {
			err = fmt.Errorf("%d %s", a.status, a.body)
		}
		return err
	}
}

type bareMessage struct {
	ID         uuid.UUID
	ChannelID  uuid.UUID
	AuthorID   uuid.UUID
	Content    string
	RawMessage json.RawMessage
	Metadata   json.RawMessage
	SourceType *string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// BenchmarkGetMessages reads the newest 50 of 10,000, beside bare pgx and encoding/json. The real server: 310/s.
func BenchmarkGetMessages(b *testing.B) {
	url := pgtest.New(b)
	s := inside(b, func(c *node.Config) { c.PostgresURL = url })
	channel := s.channel(b, "GROUP")
	var posting sync.WaitGroup
	for range 16 {
		posting.Go(func() {
			for range 10_000 / 16 {
				if _, _, err := s.post(b.Context(), channel, "a message of some eighty characters, as people write them in such channels"); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	posting.Wait()
	bare := bareServer[bareMessage](b, url, `select id, channel_id, author_id, content, raw_message, metadata, source_type, created_at, updated_at
		from messages where channel_id = $1 order by created_at desc, submitted desc limit 50`, channel)
	beside(b, 8, get(s.client, "/api/messaging/central-channels/"+channel+"/messages?limit=50"), get(newClient(bare), "/"))
}

type bareAgent struct {
	ID      uuid.UUID
	Name    string
	Bio     json.RawMessage
	Running bool
}

// BenchmarkGetAgents lists ten agents, beside bare pgx and encoding/json. The real server: 1,947/s.
func BenchmarkGetAgents(b *testing.B) {
	url := pgtest.New(b)
	s := inside(b, func(c *node.Config) { c.PostgresURL = url })
	for i := range 10 {
		s.runningAgent(b, fmt.Sprintf("Agent %d", i))
	}
	bare := bareServer[bareAgent](b, url, `select id, name, bio, running from agents order by running desc, name`)
	beside(b, 8, get(s.client, "/api/agents"), get(newClient(bare), "/"))
}

// BenchmarkStart starts the whole server on a folder that exists, private PostgreSQL included, until it answers; and tells the
// memory that it then takes. The real server: 1.6 s and 147 MB with PostgreSQL outside.
func BenchmarkStart(b *testing.B) {
	dir := pgtest.Dir(b)
	p := spawn(b, "SERVER_PORT=0", "DATA_DIR="+dir)
	p.stop(b)
	for b.Loop() {
		begun := time.Now()
		p = spawn(b, "SERVER_PORT=0", "DATA_DIR="+dir)
		p.must(b, 200, http.MethodGet, "/api/server/ping", nil)
		b.ReportMetric(float64(time.Since(begun).Milliseconds()), "ms-to-first-answer")
		b.ReportMetric(resident(b, p.cmd.Process.Pid), "MB-resident")
		p.stop(b)
	}
	b.ReportMetric(0, "ns/op")
}

// resident is the memory of a process in MB, as Linux counts it.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1024
		}
	}
	return 0
}
