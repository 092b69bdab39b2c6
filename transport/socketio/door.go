package socketio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// ServeHTTP lets in what the library is safe with.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	h.mu.Lock()
	closed, c := h.closed, h.connections[query.Get("sid")]
	h.mu.Unlock()
	begins := query.Get("sid") == ""
	switch {
	case closed:
		refuseRequest(w, http.StatusServiceUnavailable, badRequest, "The server is stopping")
	case query.Get("EIO") != "4":
		refuseRequest(w, http.StatusBadRequest, badRequest, "Unsupported protocol version")
	case query.Has("j"):
		refuseRequest(w, http.StatusBadRequest, badRequest, "JSONP is not served")
	case !begins && c == nil:
		refuseRequest(w, http.StatusBadRequest, unknownSession, "Session ID unknown")
	case begins && h.full() && h.isIdentified(r):
		refuseRequest(w, http.StatusServiceUnavailable, badRequest, "Too many connections")
	default:
		if begins {
			h.awaitCookie(r)
		} else if !c.admitted.Load() {
			c.shows(r)
		}
		h.letIn(w, r, c, begins)
	}
}

// letIn hands a request to the library; c is whose it is, unless it begins a session.
func (h *Hub) letIn(w http.ResponseWriter, r *http.Request, c *connection, begins bool) {
	same := *r
	same.Header = maps.Clone(r.Header)
	same.Header.Del("Origin") // whoever routes here has looked at it
	if r.Method == http.MethodPost {
		body, status, problem := readPayload(w, r, c)
		if problem != "" {
			refuseRequest(w, status, badRequest, problem)
			return
		}
		same.Body, same.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	// The library does not always answer a request of a session that ends.
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if c != nil && !websocket.IsWebSocketUpgrade(r) {
		defer context.AfterFunc(c.alive, cancel)() //nolint:contextcheck // the session's end is what is waited for
	}
	answer := &patient{
		ResponseWriter: w, control: http.NewResponseController(w), header: http.Header{}, ctx: ctx, listening: make(chan struct{}),
		flusher: h.flushers.one(),
	}
	if !begins && !websocket.IsWebSocketUpgrade(r) {
		answer.listens()
	}
	h.engine.ServeHTTP(answer, same.WithContext(ctx))
	if c != nil && answer.line != nil && answer.line.open() {
		c.line.Store(answer.line) // before the client says that it will use it
		if c.admitted.Load() {
			answer.line.unlimited()
		}
	}
	answer.end()
}

// readPayload reads what a client that polls has to say; problem is what is wrong with it.
func readPayload(w http.ResponseWriter, r *http.Request, c *connection) (body []byte, status int, problem string) {
	most := maxPayload.Value
	if c == nil || !c.admitted.Load() {
		most = maxStrangerBytes.Value
	}
	if r.ContentLength > most {
		return nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", most)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime.Duration())) // lifted at the body's end
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout, fmt.Sprintf("the body did not arrive within %s", bodyTime.Duration())
	case err != nil:
		return nil, http.StatusBadRequest, "the body ended too early"
	case int64(len(body)) > most:
		return nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", most)
	case bytes.Count(body, []byte{0x1e}) >= maxPackets.Int():
		return nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d packets at once", maxPackets.Value)
	}
	return body, 0, ""
}

// Codes of Engine.IO.
const (
	unknownSession = 1
	badRequest     = 3
)

// refuseRequest answers as the protocol has it.
func refuseRequest(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"code":%d,"message":%q}`, code, message)
}

// patient is how the library answers a request, from any of its goroutines: nothing goes out when the request has ended,
// and a client gets no more than its time for what is written to it.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	header  http.Header     // the library's own, until it answers
	ctx     context.Context //nolint:containedctx // the request's
	// listening is closed when the new session can be spoken to: the library begins one before it listens to it.
	listening chan struct{}
	listened  sync.Once
	line      *gathering // of who wanted a WebSocket
	flusher   *flusher   // for that

	mu     sync.Mutex
	over   bool
	status int
}

func (p *patient) listens() { p.listened.Do(func() { close(p.listening) }) }

// end keeps what comes too late out of the requests that follow.
func (p *patient) end() {
	p.listens()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
}

// Header implements http.ResponseWriter.
func (p *patient) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *patient) WriteHeader(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status = status; !p.over {
		maps.Copy(p.ResponseWriter.Header(), p.header)
		p.ResponseWriter.WriteHeader(status)
	}
}

// Write sends the whole, so that the time limit need not outlive it: the connection may serve other requests.
func (p *patient) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status == http.StatusOK {
		select {
		case <-p.listening:
		case <-p.ctx.Done():
		}
	}
	if p.over {
		return 0, net.ErrClosed
	}
	_ = p.control.SetWriteDeadline(time.Now().Add(writeTime.Duration()))
	n, err := p.ResponseWriter.Write(text)
	if err == nil {
		err = p.control.Flush()
	}
	_ = p.control.SetWriteDeadline(time.Time{})
	return n, err
}

// Hijack implements http.Hijacker.
func (p *patient) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := p.control.Hijack()
	if err != nil {
		return nil, nil, err
	}
	p.line = newGathering(conn, p.flusher, p.listening)
	return p.line, buffered, nil
}

// keysOf are those that a client may have meant as its key in the payload of its first packet; the first is none.
func keysOf(auth map[string]any) []string {
	keys := []string{""}
	for _, name := range []string{"apiKey", "token", "key"} {
		if key, ok := auth[name].(string); ok {
			keys = append(keys, key)
		}
	}
	return keys
}
