package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/deploy/postgres/pgtest"
	"annals/transport/models/glove"
	"annals/transport/models/openai/openaitest"
)

// vectored is a file of n memories, each with its vector.
func vectored(n int) []byte {
	var file bytes.Buffer
	for i := range n {
		text := sentence(i)
		numbers := strings.ReplaceAll(fmt.Sprint(glove.Vector(text)), " ", ",")
		fmt.Fprintf(&file, `{"type":"memory","data":{"id":%q,"createdAt":%d,"content":{"text":%q},"embedding":%s,"embeddingModel":%q}}`+"\n",
			uuid.NewString(), 1_700_000_000_000+i, text, numbers, glove.Model)
	}
	return file.Bytes()
}

func TestARebuildOfMemoriesWithVectorsCallsNoModelAndEqualsTheLiveTables(t *testing.T) {
	t.Parallel()
	n := setting("ANNALS_MEMORIES", 600, 100_000)
	var forbidden atomic.Bool
	model := openaitest.Start(t, openaitest.Script{Embed: func(text string, dimensions int) []float64 {
		if forbidden.Load() {
			panic("a model is called")
		}
		return openaitest.Words(text, dimensions)
	}})
	database := pgtest.New(t)
	settings := []string{
		"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + database,
		"OPENAI_BASE_URL=" + model.URL, "OPENAI_EMBEDDING_MODEL=near",
	}
	p := spawn(t, settings...)
	if _, a, err := p.post(t.Context(), p.channel(t, "GROUP"), "no answer is due"); err != nil || a.status != 201 {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	agent := p.runningAgent(t, "Mnemosyne")
	p.imports(t, agent, vectored(n), n)
	for i := range 50 {
		p.must(t, http.StatusCreated, http.MethodPost, "/api/agents/"+agent+"/memories", map[string]any{"text": sentence(i)})
	}
	p.embedded(t, agent, n+50)
	live := rowsShown(t, database)
	asked := len(model.EmbeddingRequests())
	if vectors := len(live["vectors"]); asked == 0 || vectors != n+50 {
		t.Fatalf("%d vectors, %d calls of the model", vectors, asked)
	}
	forbidden.Store(true)
	said, err := rebuild(t.Context(), settings, "memories", "vectors")
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	told := regexp.MustCompile(`rebuilt memories, vectors: \d+ events in .*\(.*rows \S+,.* indexes \S+,.*\)`).FindString(said)
	if told == "" {
		t.Errorf("the time of the indexes is not told apart: %s", said)
	}
	t.Log(told)
	p.stop(t)
	spawn(t, settings...) // shows what was made, and catches up
	rebuilt := rowsShown(t, database)
	for _, table := range slices.Sorted(maps.Keys(live)) {
		if !slices.Equal(live[table], rebuilt[table]) {
			t.Errorf("%s: %d rows live and %d rebuilt, or others", table, len(live[table]), len(rebuilt[table]))
		}
	}
	if late := len(model.EmbeddingRequests()); late != asked || len(model.Requests()) > 0 {
		t.Errorf("the model was called %d times more", late-asked)
	}
}

// BenchmarkRebuildMemories fills the tables of memories with vectors anew. The rows are told apart from the indexes over them.
func BenchmarkRebuildMemories(b *testing.B) {
	n := setting("ANNALS_MEMORIES", 3000, 100_000)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + b.TempDir(), "POSTGRES_URL=" + pgtest.New(b)}
	p := spawn(b, settings...)
	agent := p.runningAgent(b, "Mnemosyne")
	p.imports(b, agent, vectored(n), n)
	p.embedded(b, agent, n)
	p.stop(b)
	stages := regexp.MustCompile(`(rows|indexes) ([0-9.a-zµ]+)`)
	for b.Loop() {
		said, err := rebuild(b.Context(), settings, "memories", "vectors")
		if err != nil {
			b.Fatalf("%v: %s", err, said)
		}
		said = said[strings.LastIndex(said, "rebuilt"):]
		for _, s := range stages.FindAllStringSubmatch(said, -1) {
			took, err := time.ParseDuration(s[2])
			if err != nil {
				b.Fatal(err)
			}
			if s[1] == "rows" {
				b.ReportMetric(float64(n)/took.Seconds(), "memories/s-before-the-index")
			} else {
				b.ReportMetric(took.Seconds(), "s-index")
			}
		}
	}
	b.ReportMetric(0, "ns/op")
}
