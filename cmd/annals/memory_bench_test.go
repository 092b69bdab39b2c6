package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/events"
	"annals/events/esdb"
)

// sentence is a text of ordinary length, different for each number.
func sentence(i int) string {
	words := strings.Fields(`the green tea kitchen harbour walk old piano cat sleeps train leaves station morning letter garden window
		friend paints boat river music answers question number colour small house ferry winter bread street lamp market`)
	random := rand.New(rand.NewPCG(uint64(i), 384)) //nolint:gosec // the same each time
	said := []string{strconv.Itoa(i)}
	for range 8 + random.IntN(8) {
		said = append(said, words[random.IntN(len(words))])
	}
	return strings.Join(said, " ")
}

// BenchmarkStoreMemory stores at 32 clients, beside an append of the same event and an insert of the same row, one after the
// other; and tells how much later the last vector is there.
func BenchmarkStoreMemory(b *testing.B) {
	const clients = 32
	url := pgtest.New(b)
	s := inside(b, func(c *node.Config) { c.PostgresURL = url })
	agent := s.runningAgent(b, "Mnemosyne")
	store, pool := bareStore(b)
	var posted atomic.Int64
	ours := func(ctx context.Context, client, i int) error {
		posted.Add(1)
		a, err := s.call(ctx, http.MethodPost, "/api/agents/"+agent+"/memories", map[string]any{"text": sentence(i*clients + client)})
		if err == nil && a.status != http.StatusCreated {
			err = fmt.Errorf("%d %s", a.status, a.body)
		}
		return err
	}
	bare := func(ctx context.Context, client, i int) error {
		return appendAndRemember(ctx, store, pool, uuid.MustParse(agent), sentence(i*clients+client))
	}
	beside(b, clients, ours, bare)
	begun := time.Now()
	s.embedded(b, agent, int(posted.Load()))
	b.ReportMetric(time.Since(begun).Seconds(), "s-vector-lag")
}

// embedded waits until so much of what an agent remembers has its vector, and nothing lacks one.
func (c *client) embedded(t testing.TB, agent string, least int) {
	t.Helper()
	var stats struct{ Embedded, Pending int }
	eventually(t, 10*time.Minute, "all is embedded", func() bool {
		if err := c.must(t, http.StatusOK, http.MethodGet, "/api/memory/agents/"+agent+"/stats", nil).data(&stats); err != nil {
			t.Fatal(err)
		}
		return stats.Embedded >= least && stats.Pending == 0
	})
}

func stored(agent uuid.UUID, text string) events.MemoryStored {
	return events.MemoryStored{
		MemoryID: uuid.New(), AgentID: agent, RoomID: agent, EntityID: agent, SubjectID: agent, Table: events.TableMessages,
		Content: json.RawMessage(`{"text":"` + text + `"}`), Unique: true,
	}
}

func appendMemory(ctx context.Context, store *esdb.Store, e events.MemoryStored) error {
	meta := events.Metadata{Request: e.MemoryID, Correlation: e.MemoryID, Causation: e.MemoryID, Actor: "anonymous", At: time.Now()}
	_, err := store.Append(ctx, events.MemoryStream(e.MemoryID), events.NoStream, events.Proposed{ID: e.MemoryID, Event: e, Meta: meta})
	return err
}

func appendAndRemember(ctx context.Context, store *esdb.Store, pool *pgxpool.Pool, agent uuid.UUID, text string) error {
	e := stored(agent, text)
	if err := appendMemory(ctx, store, e); err != nil {
		return err
	}
	_, err := pool.Exec(ctx, `insert into bare values ($1, $2, $3, $4)`, e.MemoryID, e.RoomID, e.Content, time.Now())
	return err
}

// BenchmarkImport imports memories a line each, beside appends of the same events, as many at once.
func BenchmarkImport(b *testing.B) {
	n := setting("ANNALS_MEMORIES", 20_000, 100_000)
	s := inside(b, nil)
	store, _ := bareStore(b)
	var took, bareTook time.Duration
	for b.Loop() {
		agent := s.runningAgent(b, "Mnemosyne "+uuid.NewString())
		var file bytes.Buffer
		for i := range n {
			fmt.Fprintf(&file, `{"type":"memory","data":{"id":%q,"content":{"text":%q}}}`+"\n", uuid.NewString(), sentence(i))
		}
		begun := time.Now()
		atOnce(b, 64, n, func(i int) error {
			return appendMemory(b.Context(), store, stored(uuid.MustParse(agent), sentence(i)))
		})
		bareTook += time.Since(begun)
		begun = time.Now()
		s.imports(b, agent, file.Bytes(), n)
		took += time.Since(begun)
	}
	b.ReportMetric(float64(n*b.N)/took.Seconds(), "memories/s")
	b.ReportMetric(float64(n*b.N)/bareTook.Seconds(), "bare-appends/s")
	b.ReportMetric(0, "ns/op")
}

// imports fails unless as many records are taken in.
func (c *client) imports(t testing.TB, agent string, file []byte, n int) {
	t.Helper()
	var told struct{ Imported, FailedCount int }
	a, err := c.importLines(t.Context(), agent, file)
	if err == nil {
		err = a.data(&told)
	}
	if err != nil || told.Imported != n || told.FailedCount > 0 {
		t.Fatalf("%d of %d imported: %d %.500s: %v", told.Imported, n, a.status, a.body, err)
	}
}

// importLines sends a file with a record a line, however long that takes.
func (c *client) importLines(ctx context.Context, agent string, file []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/api/memory/agents/"+agent+"/import", bytes.NewReader(file))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	patient := http.Client{Transport: c.http.Transport}
	res, err := patient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, body}, err
}

// atOnce does something n times, some of it at a time.
func atOnce(t testing.TB, workers, n int, do func(i int) error) {
	t.Helper()
	var next atomic.Int64
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := do(int(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
}
