package main

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/deploy/postgres/pgtest"
)

// A file whose import was cut off by kill -9 is imported again: each memory is there once, and verify finds nothing.
func TestAnImportThatIsKilledIsCompletedByItsRepetition(t *testing.T) {
	t.Parallel()
	n := setting("ANNALS_IMPORTED", 1000, 20_000)
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t)}
	p := spawn(t, settings...)
	agent := p.runningAgent(t, "Mnemosyne")
	var file bytes.Buffer
	for i := range n { // nothing to embed
		fmt.Fprintf(&file, `{"type":"memory","data":{"id":%q,"content":{"thought":%q}}}`+"\n", uuid.NewString(), sentence(i))
	}
	stored := func() string {
		a, err := p.call(t.Context(), http.MethodGet, "/api/agents/"+agent+"/memories?limit=1", nil)
		if err != nil || a.status != http.StatusOK {
			return ""
		}
		return a.header.Get("X-Total-Count")
	}
	cut, first := make(chan struct{}), p.client
	go func() {
		defer close(cut)
		_, _ = first.importLines(t.Context(), agent, file.Bytes()) // it is cut off
	}()
	eventually(t, time.Minute, "something is stored", func() bool { return stored() != "" })
	p.kill()
	<-cut
	p = spawn(t, settings...)
	var told struct{ Imported, Skipped, FailedCount int }
	again, err := p.importLines(t.Context(), agent, file.Bytes())
	if err == nil {
		err = again.data(&told)
	}
	if err != nil || told.Imported+told.Skipped != n || told.Skipped == 0 || told.FailedCount != 0 {
		t.Errorf("imported again: %v: %.300s", err, again.body)
	}
	if got := stored(); got != fmt.Sprint(n) {
		t.Errorf("%s of %d are there", got, n)
	}
	exported := p.must(t, http.StatusOK, http.MethodGet, "/api/memory/agents/"+agent+"/export?format=ndjson", nil)
	if a, err := p.importLines(t.Context(), uuid.NewString(), exported.body); err != nil || a.status != http.StatusOK {
		t.Errorf("copied: %v: %d %.300s", err, a.status, a.body)
	}
	p.stop(t)
	verified(t, "after imports", settings, nil)
}
