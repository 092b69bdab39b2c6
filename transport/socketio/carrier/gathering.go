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
	// maxGathered bounds what is gathered for a connection before who writes has to wait, in bytes.
	maxGathered = 64 << 10
	// pace is how much later than the one before a piece is sent: who hears much hears it in fewer pieces, and who hears little
	// at once.
	pace = 8 * time.Millisecond
	// lastWords is how long what was written to a connection that is closed may still take.
	lastWords = time.Second
)

// errTooMuch ends a connection whose client sent more than it may before it is identified.
var errTooMuch = errors.New("too much was sent before the key was shown")

// gathering is a connection that sends in one piece what is written to it while it is still busy sending: it is the calls of
// the system that cost most. No piece may take long, and nothing is heard before the library listens.
type gathering struct {
	net.Conn
	raw       syscall.RawConn // nil where the connection has none
	flusher   *flusher
	listening chan struct{}
	left      atomic.Int64 // bytes that may still be read; see unlimited

	mu       sync.Mutex
	changed  sync.Cond
	gathered []byte
	spare    []byte    // takes what is gathered next
	sending  bool      // or about to
	sent     time.Time // when the last piece was
	failed   error
}

func newGathering(conn net.Conn, f *flusher, listening chan struct{}) *gathering {
	g := &gathering{Conn: conn, flusher: f, listening: listening}
	g.changed.L = &g.mu
	g.left.Store(MaxStrangerBytes.Value)
	if c, ok := conn.(syscall.Conn); ok {
		g.raw, _ = c.SyscallConn() // an error is one that writing meets too
	}
	return g
}

// Read ends when a client that is not identified sends too much.
func (g *gathering) Read(text []byte) (int, error) {
	<-g.listening
	n, err := g.Conn.Read(text)
	if g.left.Add(-int64(n)) < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// unlimited lets the client send as much as it wants.
func (g *gathering) unlimited() { g.left.Store(math.MaxInt64) }

// Write never fails because of what it is given itself: an error is one of what was written before.
func (g *gathering) Write(text []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.gathered) > maxGathered && g.failed == nil {
		g.changed.Wait()
	}
	if g.failed != nil {
		return 0, g.failed
	}
	g.gathered = append(g.gathered, text...)
	g.start()
	return len(text), nil
}

// put writes without waiting, and tells how much is gathered now.
func (g *gathering) put(frames []Frame) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed != nil {
		return 0
	}
	for _, f := range frames {
		g.gathered = append(g.gathered, f.wire...)
	}
	g.start()
	return int64(len(g.gathered))
}

// start sends what is gathered as soon as the piece before it is some time past. It is called with the lock held.
func (g *gathering) start() {
	if g.sending || len(g.gathered) == 0 {
		return
	}
	g.sending = true
	due := g.sent.Add(pace)
	if g.failed != nil {
		due = time.Time{}
	}
	g.flusher.add(g, due)
}

func (g *gathering) size() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int64(len(g.gathered))
}

func (g *gathering) open() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed == nil
}

// send sends what is gathered as far as the system takes it at once, and the rest when it does.
func (g *gathering) send() {
	g.mu.Lock()
	text := g.gathered
	g.gathered, g.spare = g.spare[:0], nil
	g.mu.Unlock()
	if n, err := g.offer(text); err != nil || n == len(text) {
		g.done(text, err)
	} else {
		go g.sendRest(text, n)
	}
}

// offer writes without waiting, and tells how much was taken.
func (g *gathering) offer(text []byte) (n int, err error) {
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

func (g *gathering) sendRest(text []byte, n int) {
	g.mu.Lock()
	limit := writeTime.Duration()
	if g.failed != nil {
		limit = lastWords
	}
	_ = g.Conn.SetWriteDeadline(time.Now().Add(limit))
	g.mu.Unlock()
	_, err := g.Conn.Write(text[n:])
	_ = g.Conn.SetWriteDeadline(time.Time{})
	g.done(text, err)
}

// done goes on to what was gathered meanwhile, or closes the connection behind it where that was asked for.
func (g *gathering) done(text []byte, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.failed, g.gathered = err, nil
	}
	if cap(text) <= 2*maxGathered { // what is larger is not kept for the connection's life
		g.spare = text
	}
	g.sending, g.sent = false, time.Now()
	g.changed.Broadcast()
	g.start()
	if g.failed != nil && !g.sending {
		_ = g.Conn.Close() // who reads learns of it
	}
}

// Close ends the connection, behind what was written to it.
func (g *gathering) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed == nil {
		g.failed = net.ErrClosed
	}
	g.changed.Broadcast()
	if !g.sending {
		return g.Conn.Close()
	}
	return errors.Join(g.Conn.SetWriteDeadline(time.Now().Add(lastWords)), g.SetReadDeadline(time.Now()))
}

// SetWriteDeadline does nothing: each piece has its own.
func (g *gathering) SetWriteDeadline(time.Time) error { return nil }
