package httpapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"testing"

	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// sending is an import whose body the test writes while it reads the answer.
type sending struct {
	io.Writer
	end    func()
	answer *bufio.Reader
}

func (s *fixture) sends(agent string, headers ...string) *sending {
	s.t.Helper()
	body, to := io.Pipe()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/api/memory/agents/"+agent+"/import", body)
	must(s.t, err)
	r.Header.Set("Content-Type", frame.NDJSON)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := description().Transport(http.DefaultTransport, func(err error) { s.t.Error(err) }).RoundTrip(r) // returns with the first line, where there are such
	must(s.t, err)
	s.t.Cleanup(func() { _ = got.Body.Close() })
	return &sending{to, func() { _ = to.Close() }, bufio.NewReader(got.Body)}
}

func TestAnImportTellsHowFarItIsWhileItIsSent(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Mnemosyne")
	sent := s.sends(agent, "Accept", frame.NDJSON)
	for n := range 10 {
		fmt.Fprintf(sent, `{"type":"memory","data":{"content":{"text":"memory %d"}}}`+"\n", n)
	}
	_, _ = io.WriteString(sent, "{broken\n")
	type progress struct{ Imported, Skipped, FailedCount int }
	for told := (progress{}); told != (progress{10, 0, 1}); {
		var line struct{ Progress progress }
		raw, err := sent.answer.ReadBytes('\n')
		must(t, err)
		must(t, json.Unmarshal(raw, &line))
		told = line.Progress
	}
	_, _ = io.WriteString(sent, `{"type":"memory","data":{"content":{"text":"memory 0"}}}`+"\n")
	sent.end()
	rest, err := io.ReadAll(sent.answer)
	must(t, err)
	last := answered{t, "import", 200, nil, lastLine(rest)}
	if last.at("imported") != 10.0 || last.at("skipped") != 1.0 || last.at("failed.0.line") != 11.0 {
		t.Errorf("the answer is %s", rest)
	}
}

func TestAnImportThatStopsSaysSoInItsLastLine(t *testing.T) {
	t.Parallel()
	s := serve(t)
	sent := s.sends(s.newAgent("Mnemosyne"), "Accept", frame.NDJSON)
	_, _ = io.WriteString(sent, `{"type":"memory","data":{"content":{"text":"kept"}}}`+"\n"+`{"type":"memory","da`)
	sent.end()
	rest, err := io.ReadAll(sent.answer)
	must(t, err)
	answered{t, "import", 400, nil, lastLine(rest)}.refused(400, problem.CodeInvalidRequest)
}

func lastLine(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[bytes.LastIndexByte(text, '\n')+1:]
}

func TestAnImportOfAMillionLinesTakesLittleMemory(t *testing.T) {
	t.Parallel()
	n := 100_000
	if os.Getenv("ANNALS_SOAK") != "" {
		n = 1_000_000
	}
	s := serve(t)
	sent := s.sends(s.newAgent("Mnemosyne"), "Accept", frame.NDJSON)
	answer := make(chan []byte, 1)
	go func() {
		rest, _ := io.ReadAll(sent.answer) // without an answer the test fails
		answer <- rest
	}()
	to, before, most := bufio.NewWriter(sent), inUse(), uint64(0)
	for i := range n {
		switch {
		case i%1000 == 0: // what is taken in lies between what is refused for two reasons
			fmt.Fprintf(to, `{"type":"memory","data":{"content":{"text":"memory %d"}}}`+"\n", i)
		case i%2 == 0:
			_, _ = to.WriteString("no record at all, but a line of ordinary length, as a file of another kind has them\n")
		default:
			fmt.Fprintf(to, `{"type":"memory","data":{"content":"text","roomId":%q}}`+"\n", unknown)
		}
		if i%(n/10) == 0 {
			most = max(most, inUse())
		}
	}
	must(t, to.Flush())
	sent.end()
	last := answered{t, "import", 200, nil, lastLine(<-answer)}
	if last.at("imported") != float64(n/1000) || last.at("failedCount") != float64(n-n/1000) || len(last.at("failed").([]any)) != 1000 {
		t.Errorf("the answer is %.300s", last.body)
	}
	if grown := int64(most) - int64(before); grown > 128<<20 {
		t.Errorf("it took %d MB", grown>>20)
	}
}

// inUse is the memory that is held now.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
