package carrier

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zishang520/socket.io/parsers/engine/v3/packet"
	"github.com/zishang520/socket.io/servers/engine/v3"
	"github.com/zishang520/socket.io/servers/engine/v3/transports"
	"github.com/zishang520/socket.io/servers/socket/v3"

	"annals/transport/limits"
)

const (
	// InHand bounds what a client has sent that is not dealt with; until there is room, nothing more is read from it.
	InHand = 16
	// packetCost is what a packet takes up besides its text.
	packetCost = 256
	// freeReceived is the size up to which a packet does not count for the budgets of what is received.
	freeReceived = 16 << 10
)

// Session is one client's transport, over which it connects to the namespace.
type Session struct {
	server   *Server
	engine   engine.Socket
	socket   atomic.Pointer[socket.Socket] // set before the client is heard
	slots    chan int64                    // the bytes of what is not dealt with, as far as they count
	received *limits.Share                 // for these
	alive    context.Context               // ends with the session
	end      context.CancelFunc
	out      sync.Mutex                     // held while something is said, so that it has an order
	waiting  atomic.Int64                   // size of what waits in the library to be written
	counting sync.Mutex                     // held while what waits is counted for the server
	counted  int64                          // so far
	line     atomic.Pointer[coalescingConn] // its WebSocket, once it has one
	asked    atomic.Bool                    // the client has identified itself
	greeted  chan struct{}                  // closed when it was answered
	greet    sync.Once
	ended    sync.Once
	slow     atomic.Bool
	// admitted says that the client may say what it wants.
	admitted atomic.Bool
}

func newSession(server *Server, e engine.Socket, received *limits.Share) *Session {
	s := &Session{server: server, engine: e, slots: make(chan int64, InHand), received: received, greeted: make(chan struct{})}
	s.alive, s.end = context.WithCancel(context.Background())
	return s
}

// Request is the one that began the session.
func (s *Session) Request() *http.Request { return s.engine.Request().Request() }

// RemoteAddress is the client's.
func (s *Session) RemoteAddress() string { return s.engine.RemoteAddress() }

// Admitted reports whether the client may say more than MaxStrangerBytes.
func (s *Session) Admitted() bool { return s.admitted.Load() }

// Admit lets the client say as much as it wants.
func (s *Session) Admit() {
	s.admitted.Store(true)
	if line := s.line.Load(); line != nil {
		line.unlimited()
	}
}

// upgraded has the session go on over a WebSocket.
func (s *Session) upgraded(line *coalescingConn) {
	s.line.Store(line)
	if s.admitted.Load() {
		line.unlimited()
	}
}

// Close ends the session, behind what waits for its client or at once. A client that polls need not come back for the rest
// within a useful time, so for it both are the same.
func (s *Session) Close(atOnce bool) {
	s.engine.Close(atOnce || s.engine.Transport().Name() == transports.POLLING)
}

// bound counts what comes in and waits to go out.
func (s *Session) bound() {
	e := s.engine
	_ = e.On("packetCreate", func(args ...any) { s.wait(args[0].(*packet.Packet)) })
	var flushed int64 // the library flushes one time after the other
	_ = e.On("flush", func(args ...any) {
		for _, p := range args[0].([]*packet.Packet) {
			flushed += size(p)
		}
	})
	_ = e.On("drain", func(...any) { // the transport has it
		s.waiting.Add(-flushed)
		flushed = 0
		s.server.weigh(s)
	})
	_ = e.On("data", func(...any) { s.taken() }) // comes after the library has put it into its queue
	_ = e.On("packet", func(args ...any) {
		if p := args[0].(*packet.Packet); p.Type == packet.MESSAGE {
			s.take(p)
		}
	})
}

// take waits for room for what a client has sent, and with what comes behind its first packet until that was dealt with:
// the library answers before it is ready. It holds up the goroutine that reads from the client.
func (s *Session) take(p *packet.Packet) {
	if s.asked.Load() {
		select {
		case <-s.greeted:
		case <-s.alive.Done():
		}
	} else if text, ok := p.Data.(fmt.Stringer); ok && connects(text.String()) {
		s.asked.Store(true)
	}
	cost := size(p)
	if cost <= freeReceived {
		cost = 0
	}
	if cost > 0 && s.received.Take(s.alive, cost) != nil {
		return // the session has ended
	}
	select {
	case s.slots <- cost:
	case <-s.alive.Done():
	}
}

// connects tells whether a packet asks for the one namespace that there is.
func connects(packet string) bool {
	return strings.HasPrefix(packet, "0") && (!strings.HasPrefix(packet, "0/") || packet == "0/" || strings.HasPrefix(packet, "0/,"))
}

// taken gives the room back when the client's queue has come to what was put into it.
func (s *Session) taken() {
	give := func() {
		select {
		case cost := <-s.slots:
			s.received.Give(cost)
		default:
		}
	}
	client := s.socket.Load()
	if client == nil {
		give()
		return
	}
	client.Enqueue(give)
}

func size(p *packet.Packet) int64 {
	if text, ok := p.Data.(interface{ Len() int }); ok {
		return int64(text.Len() + packetCost)
	}
	return packetCost
}

// wait counts what is about to wait for the client, and ends a session that takes too little.
func (s *Session) wait(p *packet.Packet) {
	if s.waiting.Add(size(p)) > maxWaiting.Value {
		s.cannotKeepUp()
	}
	s.server.weigh(s)
}

func (s *Session) cannotKeepUp() {
	if !s.slow.Swap(true) {
		s.server.Slow(s)
		go s.engine.Close(true) // the caller holds locks
	}
}
