package carrier

import (
	"bufio"
	"context"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
)

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
