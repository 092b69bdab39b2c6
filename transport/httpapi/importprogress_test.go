package httpapi_test

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
	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
)

// sending is an import whose body the test writes while it reads the answer.
type sending struct {
	io.Writer
	end    func()
	answer *bufio.Reader
}

func (s *fixture) sends(agent string, headers ...string) *sending {
	s.T.Helper()
	body, to := io.Pipe()
	r, err := http.NewRequestWithContext(s.T.Context(), http.MethodPost, s.URL+"/api/memory/agents/"+agent+"/import", body)
	must(s.T, err)
	r.Header.Set("Content-Type", frame.NDJSON)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := httpapitest.Described().Transport(http.DefaultTransport, func(err error) { s.T.Error(err) }).RoundTrip(r) // returns with the first line, where there are such
	must(s.T, err)
	s.T.Cleanup(func() { _ = got.Body.Close() })
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
	type progress struct{ Read, Imported, Skipped, FailedCount int }
	for told := (progress{}); told != (progress{10, 0, 0, 1}); {
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
	last := answered{T: t, What: "import", Status: 200, Body: lastLine(rest)}
	if last.At("imported") != 10.0 || last.At("skipped") != 1.0 || last.At("failed.0.line") != 11.0 {
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
	answered{T: t, What: "import", Status: 400, Body: lastLine(rest)}.Refused(400, problem.CodeInvalidRequest)
}

func lastLine(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[bytes.LastIndexByte(text, '\n')+1:]
}

// It runs beside no other test, which would use memory of the same process.
func TestAnImportOfAMillionLinesTakesLittleMemory(t *testing.T) {
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
	last := answered{T: t, What: "import", Status: 200, Body: lastLine(<-answer)}
	if last.At("imported") != float64(n/1000) || last.At("failedCount") != float64(n-n/1000) || len(last.At("failed").([]any)) != 1000 {
		t.Errorf("the answer is %.300s", last.Body)
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
