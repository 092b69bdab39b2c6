package carrier

import (
	"errors"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// maxCoalesced bounds what is pending for a connection before a writer has to wait, in bytes.
	maxCoalesced = 64 << 10
	// coalesceDelay is the shortest time between two writes: a busy connection gets fewer and larger ones, an idle one is written
	// to at once.
	coalesceDelay = 8 * time.Millisecond
	// closeTimeout bounds writing what is pending when a connection is closed.
	closeTimeout = time.Second
)

// errTooMuch ends a connection whose client sent more than it may before it is identified.
var errTooMuch = errors.New("too much was sent before the key was shown")

// coalescingConn writes in one system call what was written to it meanwhile, because system calls dominate the cost of a broadcast.
// Each of its writes has a time limit, and nothing is read before the library listens.
type coalescingConn struct {
	net.Conn
	raw       syscall.RawConn // nil where the connection has none
	scheduler *writeScheduler
	listening chan struct{}
	left      atomic.Int64 // bytes that may still be read; see unlimited

	mu      sync.Mutex
	changed sync.Cond
	pending []byte
	spare   []byte    // takes what is pending next
	sending bool      // or about to
	sent    time.Time // when the last piece was
	failed  error
}

func newCoalescingConn(conn net.Conn, f *writeScheduler, listening chan struct{}) *coalescingConn {
	g := &coalescingConn{Conn: conn, scheduler: f, listening: listening}
	g.changed.L = &g.mu
	g.left.Store(MaxStrangerBytes.Value)
	if c, ok := conn.(syscall.Conn); ok {
		g.raw, _ = c.SyscallConn() // an error is one that writing meets too
	}
	return g
}

// Read ends when a client that is not identified sends too much.
func (g *coalescingConn) Read(text []byte) (int, error) {
	<-g.listening
	n, err := g.Conn.Read(text)
	if g.left.Add(-int64(n)) < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// unlimited lets the client send as much as it wants.
func (g *coalescingConn) unlimited() { g.left.Store(math.MaxInt64) }

// Write never fails because of what it is given itself: an error is one of what was written before.
func (g *coalescingConn) Write(text []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.pending) > maxCoalesced && g.failed == nil {
		g.changed.Wait()
	}
	if g.failed != nil {
		return 0, g.failed
	}
	g.pending = append(g.pending, text...)
	g.start()
	return len(text), nil
}

// put writes without waiting, and tells how much is pending now.
func (g *coalescingConn) put(frames []Frame) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed != nil {
		return 0
	}
	for _, f := range frames {
		g.pending = append(g.pending, f.wire...)
	}
	g.start()
	return int64(len(g.pending))
}

// start sends what is pending as soon as the piece before it is some time past. It is called with the lock held.
func (g *coalescingConn) start() {
	if g.sending || len(g.pending) == 0 {
		return
	}
	g.sending = true
	due := g.sent.Add(coalesceDelay)
	if g.failed != nil {
		due = time.Time{}
	}
	g.scheduler.add(g, due)
}

func (g *coalescingConn) size() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int64(len(g.pending))
}

func (g *coalescingConn) open() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed == nil
}

// send sends what is pending as far as the system takes it at once, and the rest when it does.
func (g *coalescingConn) send() {
	g.mu.Lock()
	text := g.pending
	g.pending, g.spare = g.spare[:0], nil
	g.mu.Unlock()
	if n, err := g.offer(text); err != nil || n == len(text) {
		g.done(text, err)
	} else {
		go g.sendRest(text, n)
	}
}

// offer writes without waiting, and tells how much was taken.
func (g *coalescingConn) offer(text []byte) (n int, err error) {
	if g.raw == nil {
		return 0, nil
	}
	failed := g.raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), text)
		return true
	})
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		n, err = 0, nil
	}
	return max(0, n), errors.Join(failed, err)
}

func (g *coalescingConn) sendRest(text []byte, n int) {
	g.mu.Lock()
	limit := writeTime.Duration()
	if g.failed != nil {
		limit = closeTimeout
	}
	_ = g.Conn.SetWriteDeadline(time.Now().Add(limit))
	g.mu.Unlock()
	_, err := g.Conn.Write(text[n:])
	_ = g.Conn.SetWriteDeadline(time.Time{})
	g.done(text, err)
}

// done goes on to what was pending meanwhile, or closes the connection behind it where that was asked for.
func (g *coalescingConn) done(text []byte, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.failed, g.pending = err, nil
	}
	if cap(text) <= 2*maxCoalesced { // what is larger is not kept for the connection's life
		g.spare = text
	}
	g.sending, g.sent = false, time.Now()
	g.changed.Broadcast()
	g.start()
	if g.failed != nil && !g.sending {
		_ = g.Conn.Close() // the reader gets an error
	}
}

// Close ends the connection, behind what was written to it.
func (g *coalescingConn) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed == nil {
		g.failed = net.ErrClosed
	}
	g.changed.Broadcast()
	if !g.sending {
		return g.Conn.Close()
	}
	return errors.Join(g.Conn.SetWriteDeadline(time.Now().Add(closeTimeout)), g.SetReadDeadline(time.Now()))
}

// SetWriteDeadline does nothing: each piece has its own.
func (g *coalescingConn) SetWriteDeadline(time.Time) error { return nil }
