package socketio

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/zishang520/socket.io/parsers/engine/v3/packet"
	"github.com/zishang520/socket.io/servers/engine/v3"
	"github.com/zishang520/socket.io/servers/socket/v3"
)

const (
	// inHand bounds what a client has sent that is not dealt with; until there is room, nothing more is read from it.
	inHand = 16
	// maxWaiting bounds what waits for a client that does not read, in bytes; beyond it is closed. It comes back by itself
	// and lists what it missed.
	maxWaiting = 8 << 20
	// packetCost is what a packet takes up besides its text.
	packetCost = 256
	// maxRooms and maxSending bound how many channels a client may have joined, and how many of its messages may be on
	// their way to being readable.
	maxRooms   = 1000
	maxSending = 1000
)

// connection is one client.
type connection struct {
	hub     *Hub
	engine  engine.Socket
	socket  *socket.Socket // set before the client is heard
	actor   string
	slots   chan struct{}   // taken by what is not dealt with
	alive   context.Context // ends with the connection
	end     context.CancelFunc
	out     sync.Mutex                // held while something is said, so that it has an order
	waiting atomic.Int64              // size of what waits in the library to be written
	line    atomic.Pointer[gathering] // its WebSocket, once it has one
	asked   atomic.Bool               // the client has said who it is
	greeted chan struct{}             // closed when it was answered
	greet   sync.Once
	slow    atomic.Bool
	shown   atomic.Pointer[string] // the actor of a later request than the first
	// admitted says that the client may say what it wants: it is identified, or has connected where there is no key.
	admitted atomic.Bool

	// Guarded by the hub's lock.
	left     bool
	deadline *time.Timer // ends a session that does not connect
	rooms    map[string]bool
	sending  map[*sending]uuid.UUID
}

// opened notes a new transport, before its client has said anything, and bounds what comes in over it and waits to go out.
func (h *Hub) opened(e engine.Socket) {
	c := &connection{
		hub: h, engine: e, slots: make(chan struct{}, inHand), greeted: make(chan struct{}),
		rooms: map[string]bool{}, sending: map[*sending]uuid.UUID{},
	}
	c.alive, c.end = context.WithCancel(context.Background())
	answer, asked := e.Request().Response().(*patient)
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		c.end()
		if asked {
			answer.listens() // or it would be answered when the request ends, which waits for that
		}
		go e.Close(true)
		return
	}
	h.served.Add(1)
	h.connections[e.Id()] = c
	h.mu.Unlock()
	h.enter(c, e.Request().Request())

	_ = e.Once("close", func(...any) { h.closedBy(c) })
	_ = e.On("packetCreate", func(args ...any) { c.wait(args[0].(*packet.Packet)) })
	var flushed int64 // the library flushes one time after the other
	_ = e.On("flush", func(args ...any) {
		for _, p := range args[0].([]*packet.Packet) {
			flushed += size(p)
		}
	})
	_ = e.On("drain", func(...any) { // the transport has it
		c.waiting.Add(-flushed)
		flushed = 0
	})
	_ = e.On("data", func(...any) { c.taken() }) // comes after the library has put it into its queue
	_ = e.On("packet", func(args ...any) {
		if p := args[0].(*packet.Packet); p.Type == packet.MESSAGE {
			c.take(p)
		}
	})
	if asked {
		if c.line.Store(answer.line); answer.line != nil && c.admitted.Load() {
			answer.line.unlimited()
		}
		answer.listens()
	}
	if e.ReadyState() == "closed" { // before anybody listened
		h.closedBy(c)
	}
}

// take waits for room for what a client has sent, and with what comes behind its first packet until that was dealt with:
// the library answers before it is ready. It holds up the goroutine that reads from the client.
func (c *connection) take(p *packet.Packet) {
	if c.asked.Load() {
		select {
		case <-c.greeted:
		case <-c.alive.Done():
		}
	} else if text, ok := p.Data.(fmt.Stringer); ok && connects(text.String()) {
		c.asked.Store(true)
	}
	select {
	case c.slots <- struct{}{}:
	case <-c.alive.Done():
	}
}

// connects tells whether a packet asks for the one namespace that there is.
func connects(packet string) bool {
	return strings.HasPrefix(packet, "0") && (!strings.HasPrefix(packet, "0/") || packet == "0/" || strings.HasPrefix(packet, "0/,"))
}

// taken gives the room back when the client's queue has come to what was put into it.
func (c *connection) taken() {
	give := func() {
		select {
		case <-c.slots:
		default:
		}
	}
	c.hub.mu.Lock()
	s := c.socket
	c.hub.mu.Unlock()
	if s == nil {
		give()
		return
	}
	s.Enqueue(give)
}

func size(p *packet.Packet) int64 {
	if text, ok := p.Data.(interface{ Len() int }); ok {
		return int64(text.Len() + packetCost)
	}
	return packetCost
}

// wait counts what is about to wait for the client, and ends a connection that takes too little.
func (c *connection) wait(p *packet.Packet) {
	if c.waiting.Add(size(p)) > maxWaiting {
		c.cannotKeepUp()
	}
}

func (c *connection) cannotKeepUp() {
	if !c.slow.Swap(true) {
		c.hub.Logger.Info("a socket.io client cannot keep up and is closed", "remote", c.engine.RemoteAddress())
		go c.engine.Close(true) // who calls holds locks
	}
}

// connected greets a client that has said who it is. The library calls it before any other event of the client.
func (h *Hub) connected(s *socket.Socket) {
	h.mu.Lock()
	c := h.connections[s.Conn().Id()]
	if c == nil {
		h.mu.Unlock()
		s.Disconnect(true)
		return
	}
	c.socket = s
	h.mu.Unlock()
	defer c.greet.Do(func() { close(c.greeted) })
	_ = s.On("disconnect", func(...any) { h.quit(c) }) // the transport may stay
	welcome := func(actor string, identified bool) {
		c.deadline.Stop()
		h.admit(c, identified)
		c.actor = actor
		s.OnAny(c.received)
		c.tell("connection_established", greeting{"Connected to Eliza Socket.IO server", string(s.Id())})
	}
	if actor := c.shown.Load(); actor != nil {
		welcome(*actor, true)
		return
	}
	r := s.Request().Request()
	for _, key := range keysOf(s.Handshake().Auth) {
		if actor, ok, identified := h.identifies(r, key); ok {
			welcome(actor, identified)
			return
		}
	}
	c.tell("unauthorized", "Invalid or missing X-API-KEY")
	// Not at once: the library breaks off the connection of who says something after that, and with it what he was told.
	time.AfterFunc(h.Parting, func() { s.Disconnect(false) })
	time.AfterFunc(h.Parting+time.Second, func() { c.engine.Close(true) }) // clients do it themselves
}

type greeting struct {
	Message  string `json:"message"`
	SocketID string `json:"socketId"`
}

// closedBy forgets a connection.
func (h *Hub) closedBy(c *connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.left {
		return
	}
	c.left = true
	c.deadline.Stop()
	h.strangers.Leave(c)
	c.end()
	delete(h.connections, c.engine.Id())
	h.forsake(c)
	h.served.Done()
}

// quit forgets what a client was told of.
func (h *Hub) quit(c *connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forsake(c)
}

// forsake is called with the lock held.
func (h *Hub) forsake(c *connection) {
	delete(h.watching, c)
	for room := range c.rooms {
		delete(c.rooms, room)
		delete(h.rooms[room], c)
		if len(h.rooms[room]) == 0 {
			delete(h.rooms, room)
		}
	}
	for s, id := range c.sending {
		h.forget(s, id)
	}
}

// join is false when the client has joined too many channels, or is gone.
func (h *Hub) join(c *connection, room string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.left || len(c.rooms) >= maxRooms && !c.rooms[room] {
		return false
	}
	if h.rooms[room] == nil {
		h.rooms[room] = map[*connection]bool{}
	}
	h.rooms[room][c] = true
	c.rooms[room] = true
	return true
}

// members are those who joined a channel.
func (h *Hub) members(room string) []*connection {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*connection, 0, len(h.rooms[room]))
	for c := range h.rooms[room] {
		all = append(all, c)
	}
	return all
}
