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

// responseWriter is what the library answers a request with, from any of its goroutines. Nothing is sent after the request has
// ended, and each write has a time limit.
type responseWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	header  http.Header     // the library's own, until it answers
	ctx     context.Context //nolint:containedctx // the request's
	// listening is closed when the new session can be spoken to: the library begins one before it listens to it.
	listening chan struct{}
	listened  sync.Once
	line      *coalescingConn // of a client that asked for a WebSocket
	scheduler *writeScheduler // for that
	holdsBack bool            // the last byte, until sendRest

	mu     sync.Mutex
	over   bool
	status int
	rest   []byte
}

func (p *responseWriter) listens() { p.listened.Do(func() { close(p.listening) }) }

// end keeps what comes too late out of the requests that follow.
func (p *responseWriter) end() {
	p.listens()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
}

// Header implements http.ResponseWriter.
func (p *responseWriter) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *responseWriter) WriteHeader(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status = status; !p.over {
		maps.Copy(p.ResponseWriter.Header(), p.header)
		p.ResponseWriter.WriteHeader(status)
	}
}

// Write sends the whole, so that the time limit need not outlive it: the connection may serve other requests.
func (p *responseWriter) Write(text []byte) (int, error) {
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
	if last := len(text) - 1; p.holdsBack && last >= 0 {
		p.rest = append(p.rest, text[last])
		n, err := p.send(text[:last])
		return n + 1, err
	}
	return p.send(text)
}

func (p *responseWriter) send(text []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(writeTime.Duration()))
	n, err := p.ResponseWriter.Write(text)
	if err == nil {
		err = p.control.Flush()
	}
	_ = p.control.SetWriteDeadline(time.Time{})
	return n, err
}

// sendRest sends what was held back.
func (p *responseWriter) sendRest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rest) > 0 {
		_, _ = p.send(p.rest) // a client that has gone needs none
	}
}

// Hijack implements http.Hijacker.
func (p *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := p.control.Hijack()
	if err != nil {
		return nil, nil, err
	}
	p.line = newCoalescingConn(conn, p.scheduler, p.listening)
	return p.line, buffered, nil
}
