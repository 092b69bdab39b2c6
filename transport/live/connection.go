package live

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/olahol/melody"

	"annals/events"
	"annals/transport/limits"
)

const (
	// spare is room behind the live frames of a connection for those of a replay and for the close message.
	spare = 64
	// closeTimeout is how long a connection that is being closed may take to send what is queued.
	closeTimeout = time.Minute

	connectionKey = "connection"
)

// connection is one client. What it subscribed to is guarded by the hub's lock.
type connection struct {
	session       *melody.Session
	subscriptions map[string]*subscription
	filters       int // bytes of the messages that made them
	replays       *limits.Share

	mu      sync.Mutex
	queue   []*frame    // not sent yet, in order
	live    int         // how many of them are no replay's
	bytes   int         // the size of those
	leaving *time.Timer // set once the connection is being closed; aborts it
}

// subscription is one of a connection's requests. It is guarded by the hub's lock.
type subscription struct {
	id     string // the client's name for it
	filter Filter
	size   int    // of the message that made it
	key    string // equal where frames are equal
	live   bool   // false while a replay is under way
	// caughtUp says that the client was told when the first replay was over.
	caughtUp bool
	// seen says that everything up to here that fits was sent.
	seen events.Position
	stop func() // ends the replay
}

func (h *Hub) connected(s *melody.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		_ = s.Close()
		return
	}
	h.served.Add(1)
	c := &connection{session: s, subscriptions: map[string]*subscription{}, replays: h.replays.Join(h.Client(s.Request))}
	h.connections[s] = c
	s.Set(connectionKey, c)
}

func (h *Hub) disconnected(s *melody.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.connections[s]
	if c == nil {
		return
	}
	delete(h.connections, s)
	for id := range c.subscriptions {
		h.drop(c, id)
	}
	h.forgetQueue(c)
	c.leaving.Stop()
	c.replays.Leave()
	h.served.Done()
}

// write queues a frame, unless the connection is being closed. It closes one that is too far behind: nothing is left out of
// what the client receives before. The hub's lock is held.
func (h *Hub) write(c *connection, f *frame) bool {
	c.mu.Lock()
	leaving, behind := c.leaving != nil, c.behind(f)
	if !leaving && !behind {
		h.enqueue(c, f)
	}
	c.mu.Unlock()
	if !leaving && behind {
		h.tooSlow(c)
	}
	if leaving || behind || c.session.Write(f.text) != nil {
		return false
	}
	h.shed()
	return true
}

// behind reports whether a live frame would be too much for a connection. Its lock is held.
func (c *connection) behind(f *frame) bool {
	return f.share == nil && (c.live >= maxQueuedFrames.Int() || c.live > 0 && c.bytes+len(f.text) > maxQueued.Int())
}

// enqueue counts a frame that is about to be sent. The connection's lock is held.
func (h *Hub) enqueue(c *connection, f *frame) {
	c.queue = append(c.queue, f)
	if f.share == nil {
		c.live++
		c.bytes += len(f.text)
	}
	if f.queues.Add(1) == 1 && f.share == nil {
		h.queued.Add(int64(len(f.text)))
	}
}

// dequeued counts a frame that was sent or given up. The connection's lock is held.
func (h *Hub) dequeued(c *connection, f *frame) {
	if f.share == nil {
		c.live--
		c.bytes -= len(f.text)
	}
	switch last := f.queues.Add(-1) == 0; {
	case last && f.share != nil:
		f.share.Give(int64(len(f.text)))
	case last:
		h.queued.Add(-int64(len(f.text)))
	}
}

// sent makes room for further frames. It does without the hub's lock, which others hold for long.
func (h *Hub) sent(s *melody.Session, _ []byte) {
	c, _ := s.MustGet(connectionKey).(*connection)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) > 0 { // not given up meanwhile
		f := c.queue[0]
		c.queue = slices.Delete(c.queue, 0, 1)
		h.dequeued(c, f)
	}
}

// forgetQueue gives up what is queued for a connection that ends, which nothing may be queued for any more.
func (h *Hub) forgetQueue(c *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.queue {
		h.dequeued(c, f)
	}
	c.queue = nil
	if c.leaving == nil {
		c.leaving = time.AfterFunc(closeTimeout, c.abort)
	}
}

// shed aborts the connections that are furthest behind while too much is queued in all. The hub's lock is held.
func (h *Hub) shed() {
	for h.queued.Load() > maxQueuedInAll.Value {
		var worst *connection
		most := 0
		for _, c := range h.connections {
			c.mu.Lock()
			if c.bytes > most {
				worst, most = c, c.bytes
			}
			c.mu.Unlock()
		}
		if worst == nil {
			return
		}
		h.Logger.Warn("websocket clients are too far behind: the connection that holds most is broken off",
			"remote", worst.session.RemoteAddr().String(), "bytes", most)
		h.forgetQueue(worst)
		worst.abort()
	}
}

// tooSlow closes the connection of a client that cannot keep up. The hub's lock is held.
func (h *Hub) tooSlow(c *connection) {
	h.Logger.Info("a websocket client cannot keep up and is closed", "remote", c.session.RemoteAddr().String())
	h.closeWithResume(c, melody.CloseTryAgainLater, "too slow")
}

// closeWithResume closes a connection behind what was sent to it, naming the position from which nothing is missed: the least
// of its subscriptions'. The hub's lock is held.
func (h *Hub) closeWithResume(c *connection, code int, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving != nil {
		return
	}
	c.leaving = time.AfterFunc(closeTimeout, c.abort)
	if from, ok := c.resume(); ok {
		why += "; resume after " + h.token(from)
	}
	_ = c.session.CloseWithMsg(melody.FormatCloseMessage(code, why))
}

func (c *connection) resume() (least events.Position, any bool) {
	for _, s := range c.subscriptions {
		if !any || s.seen < least {
			least, any = s.seen, true
		}
	}
	return least, any
}

func (c *connection) abort() { _ = c.session.WebsocketConnection().Close() }

// drop ends a subscription. The hub's lock is held.
func (h *Hub) drop(c *connection, id string) {
	if s := c.subscriptions[id]; s != nil {
		h.unfollow(s)
		if s.stop != nil {
			s.stop()
		}
		delete(c.subscriptions, id)
		c.filters -= s.size
	}
}

// answer refuses to open a connection.
func answer(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"success": false, "error": map[string]string{"code": code, "message": message}})
}

func refuse(id, code, format string, args ...any) reply {
	return reply{ID: id, Error: &refusal{Code: code, Message: fmt.Sprintf(format, args...)}}
}
