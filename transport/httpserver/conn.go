package httpserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"annals/transport/limits"
)

const (
	// free is what a head may hold without counting for the budgets; the heads of honest clients are shorter.
	free = 8 << 10
	// sent and taken are the pieces that a client has stallTime for.
	sent  = 16 << 10
	taken = 64 << 10
	// dropped and droppedFor bound what is still read of a client that was refused.
	dropped    = 4 << 20
	droppedFor = 2 * time.Second
)

// conn is a connection. What it does depends on what net/http does with it.
type conn struct {
	net.Conn
	guard  *guard
	client netip.Prefix
	heads  *limits.Share
	phase  atomic.Int32
	closed atomic.Bool

	head head // only the goroutine that serves the connection uses it

	mu                   sync.Mutex
	readUntil            time.Time     // the handler's deadline
	received             int           // of the piece of a body that is being sent
	patience             time.Duration // for the rest of it
	writeUntil, writable time.Time     // the handler's deadline, and ours
}

// head is what was read of a request's head.
type head struct {
	bytes, lines int
	line         int  // bytes of the last line
	held         int  // of the budgets
	whole        bool // its end was read
}

// Phases of a connection.
const (
	waits int32 = iota
	serves
	hijacked
)

// turns follows what net/http says of a connection.
func (c *conn) turns(state http.ConnState) {
	switch state {
	case http.StateActive: // the head was read
		c.guard.fresh.Leave(c)
		c.guard.idle.Leave(c)
		c.next()
		c.phase.Store(serves)
	case http.StateIdle:
		c.next()
		c.phase.Store(waits)
		if out, full := c.guard.idle.Enter(c.client, c); full {
			_ = out.Close()
		}
	case http.StateHijacked:
		c.phase.Store(hijacked)
	}
}

// next begins a head.
func (c *conn) next() {
	c.heads.Give(int64(c.head.held))
	c.head = head{}
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	switch c.phase.Load() {
	case hijacked:
		return c.Conn.Read(p)
	case serves:
		began := time.Now()
		c.hurry(began)
		n, err := c.Conn.Read(p)
		c.progressed(n, time.Since(began))
		return n, err
	}
	n, err := c.Conn.Read(p)
	if refusal := c.count(p[:n]); refusal != nil {
		c.refuse(*refusal)
		return 0, io.EOF // net/http closes the connection without a word
	}
	return n, err
}

// count counts what was read of a head, and returns how to refuse one that is too much.
func (c *conn) count(read []byte) *answer {
	h := &c.head
	for _, b := range read {
		if h.whole {
			break
		}
		h.bytes++
		switch b {
		case '\n':
			h.lines++
			h.whole = h.line == 0
			h.line = 0
		case '\r':
		default:
			h.line++
		}
	}
	switch {
	case h.bytes > maxHead.Int() && h.lines == 0:
		return &longAddress
	case h.bytes > maxHead.Int():
		return &longHead
	case h.lines > maxLines.Int():
		return &manyLines
	}
	if more := h.bytes - free - h.held; more > 0 {
		if !c.heads.Try(int64(more)) {
			return &busy
		}
		h.held += more
	}
	return nil
}

// hurry gives a client that sends a body no more than stallTime for a piece of it, where the handler bounds it at all. What
// counts is the time that is waited for the client.
func (c *conn) hurry(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := now.Add(c.patience); !c.readUntil.IsZero() && until.Before(c.readUntil) {
		_ = c.Conn.SetReadDeadline(until)
	}
}

func (c *conn) progressed(n int, waited time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received += n
	c.patience -= waited
	if c.received >= sent {
		c.received, c.patience = 0, stallTime.Duration()
	}
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readUntil, c.received, c.patience = t, 0, stallTime.Duration()
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeUntil, c.writable = t, time.Time{}
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// Write implements net.Conn. A client has stallTime to take each piece, unless the handler says otherwise.
func (c *conn) Write(p []byte) (n int, err error) {
	if c.phase.Load() == hijacked {
		return c.Conn.Write(p)
	}
	for first := true; first || len(p) > 0 && err == nil; first = false {
		c.extend()
		var wrote int
		wrote, err = c.Conn.Write(p[:min(taken, len(p))])
		n += wrote
		p = p[wrote:]
	}
	return n, err
}

// extend moves our own deadline for writing, now and then.
func (c *conn) extend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.writeUntil.IsZero() && c.writable.Before(now.Add(stallTime.Duration()*3/4)) {
		c.writable = now.Add(stallTime.Duration())
		_ = c.Conn.SetWriteDeadline(c.writable)
	}
}

// SyscallConn implements syscall.Conn, for those who have hijacked the connection.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a %T has no descriptor", c.Conn)
	}
	return raw.SyscallConn()
}

// CloseWrite lets net/http end an answer so that the client gets to read it.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if !c.closed.Swap(true) {
		c.guard.gone(c)
	}
	return c.Conn.Close()
}

// answer is what a client is told whose request is not read.
type answer struct {
	status  int
	code    string
	message string
}

var (
	longAddress = answer{http.StatusRequestURITooLong, "INVALID_REQUEST", fmt.Sprintf("The address is longer than %d bytes.", maxHead.Value)}
	longHead    = answer{http.StatusRequestHeaderFieldsTooLarge, "INVALID_REQUEST", fmt.Sprintf("The headers are longer than %d bytes.", maxHead.Value)}
	manyLines   = answer{http.StatusRequestHeaderFieldsTooLarge, "INVALID_REQUEST", fmt.Sprintf("There are more than %d headers.", maxLines.Value)}
	busy        = answer{http.StatusServiceUnavailable, "UNAVAILABLE", "Too many connections. Please try again later."}
)

// refuse answers, and drops what the client still sends for a moment: it reads the answer once it has sent all.
func (c *conn) refuse(a answer) {
	if c.say(a) == nil {
		_ = c.CloseWrite()
		c.guard.discards.Discard(context.Background(), c.client, c.Conn, dropped)
	}
}

// say sends an answer.
func (c *conn) say(a answer) error {
	body := fmt.Sprintf(`{"success":false,"error":{"code":%q,"message":%q}}`, a.code, a.message)
	retry := ""
	if a.status == http.StatusServiceUnavailable {
		retry = "Retry-After: 5\r\n"
	}
	_ = c.Conn.SetDeadline(time.Now().Add(droppedFor))
	_, err := fmt.Fprintf(c.Conn, "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n%sConnection: close\r\n\r\n%s",
		a.status, http.StatusText(a.status), len(body), retry, body)
	return err
}
