package socketio

import (
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/zishang520/socket.io/servers/socket/v3"

	"annals/events"
	"annals/transport/socketio/carrier"
)

const (
	// maxRooms and maxSending bound how many channels a client may have joined, and how many of its messages may be on
	// their way to being readable.
	maxRooms   = 1000
	maxSending = 1000
)

// connection is one client.
type connection struct {
	*carrier.Session
	hub    *Hub
	socket *socket.Socket // set before the client is heard
	actor  string
	entity string                 // how the client calls itself; those of ElizaOS 1.2.0 do not
	shown  atomic.Pointer[string] // the actor of a later request than the first

	// Guarded by the hub's lock.
	left     bool
	deadline *time.Timer // ends a session that does not connect
	rooms    map[string]bool
	sending  map[*sending]uuid.UUID
}

// opened notes a new session, before its client has said anything.
func (h *Hub) opened(s *carrier.Session) bool {
	c := &connection{Session: s, hub: h, rooms: map[string]bool{}, sending: map[*sending]uuid.UUID{}}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return false
	}
	h.served.Add(1)
	h.connections[s] = c
	h.mu.Unlock()
	h.enter(c, s.Request())
	return true
}

func (h *Hub) slow(s *carrier.Session) {
	h.Logger.Info("a socket.io client cannot keep up and is closed", "remote", s.RemoteAddress())
}

// connected greets a client that has identified itself.
func (h *Hub) connected(session *carrier.Session, s *socket.Socket) {
	h.mu.Lock()
	c := h.connections[session]
	if c == nil {
		h.mu.Unlock()
		s.Disconnect(true)
		return
	}
	c.socket = s
	h.mu.Unlock()
	_ = s.On("disconnect", func(...any) { h.quit(c) }) // the transport may stay
	welcome := func(actor string, identified bool) {
		c.deadline.Stop()
		h.admit(c, identified)
		c.actor, c.entity = actor, entityOf(s.Handshake().Auth)
		s.OnAny(c.received)
		if c.entity != "" {
			c.tell("authenticated", introduced{c.entity, h.Clock().UnixMilli()})
		}
		c.tell("connection_established", greeting{"Connected to Eliza Socket.IO server", string(s.Id())})
	}
	if actor := c.shown.Load(); actor != nil {
		welcome(*actor, true)
		return
	}
	r := s.Request().Request()
	var refused error
	for _, key := range keysOf(s.Handshake().Auth) {
		actor, identified, err := h.identify(r, key)
		if err == nil {
			welcome(actor, identified)
			return
		}
		refused = err
	}
	c.tell("unauthorized", refused.Error())
	// Not at once: the library breaks off the connection of who says something after that, and with it what he was told.
	time.AfterFunc(h.Parting, func() { s.Disconnect(false) })
	time.AfterFunc(h.Parting+time.Second, func() { c.Close(true) }) // clients do it themselves
}

type greeting struct {
	Message  string `json:"message"`
	SocketID string `json:"socketId"`
}

// introduced tells a client that its entityId was taken, as the client spells it: ElizaOS's web client takes the one in the answer
// for its own from then on.
type introduced struct {
	EntityID  string `json:"entityId"`
	Timestamp int64  `json:"timestamp"`
}

// entityOf is the id of itself that a client sends in the payload of its first packet, empty where that is no UUID.
func entityOf(auth map[string]any) string {
	entity, _ := auth["entityId"].(string)
	if _, err := events.ParseID(entity); err != nil {
		return ""
	}
	return entity
}

// closedBy forgets a connection.
func (h *Hub) closedBy(s *carrier.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.connections[s]
	c.left = true
	c.deadline.Stop()
	h.strangers.Leave(c)
	delete(h.connections, s)
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

// isMember reports whether a client has joined a channel.
func (h *Hub) isMember(c *connection, room string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return c.rooms[room]
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
