package httpapi_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"annals/transport/httpapi/httpapitest"
	"annals/transport/problem"
)

// sent counts what is read of a body.
type sent struct {
	io.Reader
	n int
}

func (s *sent) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.n += n
	return n, err
}

// endless says the same again and again, after a beginning.
func endless(begin, again string) io.Reader {
	return io.MultiReader(strings.NewReader(begin), &loop{text: []byte(again)})
}

type loop struct {
	text []byte
	at   int
}

func (l *loop) Read(p []byte) (n int, err error) {
	for n < len(p) {
		c := copy(p[n:], l.text[l.at:])
		n, l.at = n+c, (l.at+c)%len(l.text)
	}
	return n, nil
}

func (s *fixture) imports(t *testing.T, agent string, body io.Reader) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/memory/agents/"+agent+"/import", body)
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	response, err := httpapitest.Described().Transport(&http.Transport{}, func(err error) { t.Error(err) }).RoundTrip(r)
	must(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	must(t, err)
	return answered{T: t, What: "an import", Status: response.StatusCode, Header: response.Header, Body: raw}
}

// What never ends in an import is not waited for.
func TestAnImportHoldsNoMoreThanARecord(t *testing.T) {
	t.Parallel()
	s := serve(t)
	member := `"a` + strings.Repeat("x", 1<<20) + `":"` + strings.Repeat("y", 1<<10) + `",`
	for name, body := range map[string]io.Reader{
		"a value":            endless(`{"name":"`, "abcdefgh"),
		"a name":             endless(`{"`, "abcdefgh"),
		"a nested value":     endless(`{"memories":[{"content":`, `[[[`),
		"a number":           endless(`{"x":1`, "0"),
		"members":            endless(`{`, member),
		"a value to pass by": endless(`{"exportedAt":"`, "abcdefgh"),
	} {
		counted := &sent{Reader: body}
		s.imports(t, unknown, counted).Refused(400, problem.CodeInvalidRequest)
		if counted.n > 64<<20 { // with what is read of a body that is refused
			t.Errorf("%s: %d bytes were read", name, counted.n)
		}
	}
}

func TestImportsThatStallHoldNothingButTheirRequest(t *testing.T) {
	s := serve(t) // alone: it counts goroutines
	const imports = 20
	before := runtime.NumGoroutine()
	var running sync.WaitGroup
	var pipes []*io.PipeWriter
	for range imports {
		r, w := io.Pipe()
		pipes = append(pipes, w)
		running.Go(func() { s.imports(t, unknown, r) })
		_, err := w.Write([]byte(`{"name":"Stalled","memories":[{"content":{"text":"x"}},`))
		must(t, err)
	}
	if more := runtime.NumGoroutine() - before; more > imports*20 {
		t.Errorf("%d imports have %d goroutines", imports, more)
	}
	s.Eventually("their spools have no names", func() bool { // others may just begin
		left, err := filepath.Glob(filepath.Join(os.TempDir(), "annals-import-*"))
		return err == nil && len(left) == 0
	})
	for _, w := range pipes {
		must(t, w.Close())
	}
	running.Wait()
}

// Uploads that do not go on keep nobody out.
func TestStalledUploadsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	s := serve(t)
	agent := s.newAgent("Uploader")
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	file, err := parts.CreateFormFile("file", "a.txt")
	must(t, err)
	_, err = file.Write([]byte("words"))
	must(t, err)
	whole := slices.Clone(form.Bytes())
	must(t, parts.Close())
	post := func(body io.Reader) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/media/agents/"+agent+"/upload", body)
		must(t, err)
		r.Header.Set("Content-Type", parts.FormDataContentType())
		return http.DefaultClient.Do(r)
	}
	var stalled sync.WaitGroup
	var pipes []*io.PipeWriter
	for range 100 {
		r, w := io.Pipe()
		pipes = append(pipes, w)
		stalled.Go(func() {
			if res, err := post(r); err == nil {
				_ = res.Body.Close()
			}
		})
		_, err := w.Write(whole)
		must(t, err)
	}
	began := time.Now()
	res, err := post(bytes.NewReader(form.Bytes()))
	must(t, err)
	must(t, res.Body.Close())
	if took := time.Since(began); res.StatusCode != 200 || took > 10*time.Second {
		t.Errorf("beside uploads that stall: %d after %v", res.StatusCode, took)
	}
	for _, w := range pipes {
		must(t, w.CloseWithError(io.ErrUnexpectedEOF))
	}
	stalled.Wait()
}

// An import into no agent ends after few records, and what cannot succeed is refused before it is read.
func TestAnImportThatCannotSucceedEndsSoon(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, list := range []string{"memories", "rooms"} {
		counted := &sent{Reader: endless(`{"version":1,"`+list+`":[{"content":"x"}`, `,{"content":"`+strings.Repeat("x", 1000)+`"}`)}
		a := s.imports(t, unknown, counted).Refused(400, problem.CodeInvalidRequest)
		if counted.n > 32<<20 || !strings.Contains(string(a.Body), "not there") {
			t.Errorf("%d bytes were read: %s", counted.n, a.Body)
		}
	}
	for _, c := range []struct {
		typ    string
		length int64
		status int
	}{
		{"multipart/form-data; boundary=x", 10, 400}, {"text/plain", 10, 400}, {"application/json", 5 << 30, 413},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/memory/agents/"+unknown+"/import", io.LimitReader(endless("", "x"), c.length))
		must(t, err)
		counted := &sent{Reader: r.Body}
		r.Body, r.ContentLength = io.NopCloser(counted), c.length
		r.Header.Set("Content-Type", c.typ)
		r.Header.Set("Expect", "100-continue")
		res, err := (&http.Transport{ExpectContinueTimeout: time.Minute}).RoundTrip(r)
		must(t, err)
		_ = res.Body.Close()
		if res.StatusCode != c.status || counted.n != 0 {
			t.Errorf("%s of %d bytes: %d after %d bytes", c.typ, c.length, res.StatusCode, counted.n)
		}
	}
}
