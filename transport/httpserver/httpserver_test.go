package httpserver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

const patience = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is a server behind a guard.
type served struct {
	t testing.TB
	*guard
	address string
	logs    *bytes.Buffer
}

// serve serves a handler. The change comes before the first connection.
func serve(t testing.TB, h http.HandlerFunc, change ...func(*guard)) *served {
	t.Helper()
	raw, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	must(t, err)
	logs := &bytes.Buffer{}
	server := &http.Server{Handler: h} //nolint:gosec // what is missing is what is tested
	g := newGuard(server, raw, slog.New(slog.NewTextHandler(logs, nil)))
	for _, f := range change {
		f(g)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(g) })
	t.Cleanup(func() { must(t, server.Close()); serving.Wait() })
	return &served{t, g, raw.Addr().String(), logs}
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

func (s *served) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.address) //nolint:noctx // it is listened to
	must(s.t, err)
	s.t.Cleanup(func() { _ = c.Close() })
	must(s.t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// ask sends what there is and reads an answer.
func ask(t testing.TB, c net.Conn, request string) (*http.Response, string) {
	t.Helper()
	go func() { _, _ = io.WriteString(c, request) }()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	text, err := io.ReadAll(res.Body)
	must(t, err)
	return res, string(text)
}

// refused fails the test unless an answer is that error of the API.
func refused(t testing.TB, res *http.Response, text string, status int, code string) {
	t.Helper()
	var body struct {
		Success *bool
		Error   struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil || body.Success == nil || *body.Success ||
		body.Error.Code != code || body.Error.Message == "" || res.StatusCode != status {
		t.Errorf("answered with %d %s, not %d %s", res.StatusCode, text, status, code)
	}
}

func TestAHeadThatIsTooLongIsRefusedInTheWordsOfTheAPI(t *testing.T) {
	t.Parallel()
	s := serve(t, ok)
	for name, c := range map[string]struct {
		head   string
		status int
	}{
		"address": {"GET /?" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusRequestURITooLong},
		"header":  {"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		"headers": {"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Y: z\r\n", 1<<17) + "\r\n", http.StatusRequestHeaderFieldsTooLarge},
		"lines":   {"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("a:\n", maxLines.Int()) + "\r\n", http.StatusRequestHeaderFieldsTooLarge},
	} {
		res, text := ask(t, s.dial(), c.head)
		if refused(t, res, text, c.status, "INVALID_REQUEST"); !res.Close {
			t.Errorf("%s: the connection is kept", name)
		}
	}
	eventually(t, "nothing is held", func() bool { return s.nothing() })
}

func TestWhatIsNoLongerThanAHeadMayBeIsServed(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n, err, len(r.Header))
	})
	c := s.dial()
	in := bufio.NewReader(c)
	cookie := "Cookie: " + strings.Repeat("x", maxHead.Int()-200) + "\r\n"
	headers := strings.Repeat("X-Y: z\r\n", maxLines.Int()-10)
	body := strings.Repeat("\n", 100_000) // lines that are none of a head
	for range 3 {
		for _, more := range []string{cookie, headers} {
			go func() {
				_, _ = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", more, len(body), body)
			}()
			res, err := http.ReadResponse(in, nil)
			must(t, err)
			text, err := io.ReadAll(res.Body)
			must(t, err)
			if want := fmt.Sprint(len(body), nil, 2); string(text) != want {
				t.Errorf("answered with %d %s, not %s", res.StatusCode, text, want)
			}
		}
	}
	must(t, c.Close())
	eventually(t, "nothing is held", func() bool { return s.nothing() })
}

// nothing reports whether nothing is held for anybody.
func (s *served) nothing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open == 0 && s.fresh.Taken() == 0 && s.idle.Taken() == 0 && s.heads.Held() == 0
}

// Many connections whose heads do not end hold little, and who has something to ask is answered meanwhile. Not parallel: it
// measures the heap of the process.
func TestHeadsThatDoNotEndHoldLittleMemory(t *testing.T) {
	s := serve(t, ok)
	before := heap()
	var attacking sync.WaitGroup
	endless := bytes.Repeat([]byte("X-Y: "+strings.Repeat("z", 8000)+"\r\n"), 256) // 2 MB
	for range 400 {
		c := s.dial()
		attacking.Go(func() {
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n"); err == nil {
				_, _ = c.Write(endless)
			}
		})
	}
	var most uint64
	for range 20 {
		if res, text := ask(t, s.dial(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); res.StatusCode != http.StatusOK {
			t.Errorf("answered with %d %s", res.StatusCode, text)
		}
		most = max(most, heap())
	}
	attacking.Wait()
	t.Logf("heap from %d to %d MiB", before>>20, most>>20)
	if most > before+64<<20 {
		t.Errorf("heap from %d to %d MiB", before>>20, most>>20)
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestWhatUnfinishedHeadsHoldTogetherIsBounded(t *testing.T) {
	t.Parallel()
	s := serve(t, ok)
	each := maxHead.Int() - free - 1000
	fit := maxHeadsOfClient.Int() / each
	for range fit {
		_, err := io.WriteString(s.dial(), "GET / HTTP/1.1\r\nX-Y: "+strings.Repeat("x", maxHead.Int()-900))
		must(t, err)
	}
	eventually(t, "their heads are held", func() bool { return s.heads.Held() >= int64(fit*each) })
	res, text := ask(t, s.dial(), "GET / HTTP/1.1\r\nX-Y: "+strings.Repeat("x", maxHead.Int()-900))
	if refused(t, res, text, http.StatusServiceUnavailable, "UNAVAILABLE"); res.Header.Get("Retry-After") == "" {
		t.Error("without Retry-After")
	}
	if res, _ := ask(t, s.dial(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); res.StatusCode != http.StatusOK { // of a usual size
		t.Errorf("answered with %d", res.StatusCode)
	}
}

func TestConnectionsThatWaitAreClosedForThoseThatAsk(t *testing.T) {
	t.Parallel()
	s := serve(t, ok, func(g *guard) { g.most = 100 })
	first := s.dial()
	for range 150 {
		s.dial()
	}
	if res, _ := ask(t, s.dial(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); res.StatusCode != http.StatusOK {
		t.Errorf("answered with %d", res.StatusCode)
	}
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the one that waits for longest: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open > 101 || !strings.Contains(s.logs.String(), "as many connections as may be") || strings.Count(s.logs.String(), "\n") != 1 {
		t.Errorf("%d connections are open, logged is %s", s.open, s.logs)
	}
}

func TestWhereAllConnectionsAreServedAFurtherOneIsRefused(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var served sync.WaitGroup
	served.Add(3)
	s := serve(t, func(http.ResponseWriter, *http.Request) { served.Done(); <-release }, func(g *guard) { g.most = 3 })
	for range 3 {
		_, err := io.WriteString(s.dial(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		must(t, err)
	}
	served.Wait()
	res, text := ask(t, s.dial(), "")
	refused(t, res, text, http.StatusServiceUnavailable, "UNAVAILABLE")
	close(release)
}

// pipes is a listener whose connections stay in the process, so that time can be that of the test.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error { close(p); return nil }

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// piped serves a handler to one connection, within a bubble in which time is that of the test.
func piped(t *testing.T, h http.HandlerFunc, with func(client net.Conn)) {
	t.Helper()
	listener, server := make(pipes), &http.Server{Handler: h} //nolint:gosec // what is missing is what is tested
	g := newGuard(server, listener, slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(g) }()
	client, there := net.Pipe()
	listener <- there
	with(client)
	must(t, client.Close())
	must(t, server.Shutdown(t.Context()))
	if g.open != 0 || g.heads.Held() != 0 {
		t.Errorf("%d connections are counted in the end", g.open)
	}
}

func TestAHeadThatComesTooSlowlyEndsItsConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		piped(t, ok, func(client net.Conn) {
			began := time.Now()
			go func() { _, _ = io.Copy(io.Discard, client) }()
			_, err := io.WriteString(client, "GET / HTTP/1.1\r\n")
			for err == nil { // a byte now and then is no progress
				time.Sleep(time.Second)
				_, err = client.Write([]byte("X"))
			}
			if took := time.Since(began); took < headTime.Duration() || took > headTime.Duration()+2*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	})
}

func TestABodyThatStallsIsCutOffHoweverLongTheHandlerWouldWait(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bytes int // a second
		busy  time.Duration
		whole bool
	}{
		"a byte a second":                         {1, 0, false},
		"a piece in time":                         {sent / 10, 0, true},
		"a piece in time, and the server is busy": {sent / 10, time.Minute, true}, // which is no fault of the client
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const size = 10 * sent
				var got error
				piped(t, func(w http.ResponseWriter, r *http.Request) {
					must(t, http.NewResponseController(w).SetReadDeadline(time.Now().Add(5*time.Minute)))
					_, _ = io.ReadFull(r.Body, make([]byte, 10))
					time.Sleep(c.busy)
					_, got = io.Copy(io.Discard, r.Body)
				}, func(client net.Conn) {
					go func() { _, _ = io.Copy(io.Discard, client) }()
					_, err := fmt.Fprintf(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
					for left := size; left > 0 && err == nil; left -= c.bytes {
						time.Sleep(time.Second)
						_, err = client.Write(make([]byte, min(left, c.bytes)))
					}
					synctest.Wait()
				})
				if c.whole != (got == nil) || !c.whole && !errors.Is(got, os.ErrDeadlineExceeded) {
					t.Errorf("reading ended with %v", got)
				}
			})
		})
	}
}

func TestAnAnswerThatIsNotTakenIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wrote := make(chan error, 1)
		piped(t, func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write(make([]byte, 10*taken))
			wrote <- err
		}, func(client net.Conn) {
			began := time.Now()
			_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			must(t, err)
			_, err = io.CopyN(io.Discard, client, 2*taken)
			must(t, err)
			if err, took := <-wrote, time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took > stallTime.Duration() {
				t.Errorf("after %s: %v", took, err)
			}
		})
	})
}

func TestAnAnswerThatIsTakenSlowlyButSteadilyIsSentWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size = 10 * taken
		piped(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, size)) }, func(client net.Conn) {
			_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			must(t, err)
			res, err := http.ReadResponse(bufio.NewReaderSize(client, 16), nil)
			must(t, err)
			for left := int64(size); left > 0; left -= taken / 2 {
				time.Sleep(5 * time.Second)
				_, err := io.CopyN(io.Discard, res.Body, taken/2)
				must(t, err)
			}
		})
	})
}

// A WebSocket is bounded by the one who speaks over it.
func TestAConnectionThatWasHijackedIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		piped(t, func(w http.ResponseWriter, _ *http.Request) {
			c, in, err := http.NewResponseController(w).Hijack()
			must(t, err)
			_, _ = io.WriteString(c, "hello")
			_, _ = io.CopyN(c, in, 300_000)
			_ = c.Close()
		}, func(client net.Conn) {
			_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			must(t, err)
			_, err = io.ReadFull(client, make([]byte, len("hello")))
			must(t, err)
			time.Sleep(time.Hour)
			go func() { _, _ = client.Write(make([]byte, 300_000)) }()
			time.Sleep(time.Hour)
			if n, err := io.Copy(io.Discard, client); n != 300_000 || err != nil {
				t.Errorf("%d bytes came back: %v", n, err)
			}
		})
	})
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come to that %s", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
