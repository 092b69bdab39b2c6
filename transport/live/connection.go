package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/olahol/melody"

	"annals/events"
)

const (
	// A client may be so many frames and bytes behind before it is closed, to come back by position.
	buffered      = 256
	bufferedBytes = 16 << 20
	// spare is room for the close message behind them.
	spare = 8
	// closeTimeout is how long a connection that is being closed may take to send what is queued.
	closeTimeout = time.Minute
	// inFlight bounds the frames that wait for a client while something is replayed to it.
	inFlight = 16

	connectionKey = "connection"
)

// connection is one client. What it subscribed to is guarded by the hub's lock.
type connection struct {
	session       *melody.Session
	subscriptions map[string]*subscription

	mu      sync.Mutex
	waiting int           // frames that were not sent yet
	bytes   int           // their size
	leaving *time.Timer   // set once the connection is being closed; aborts it
	freed   chan struct{} // receives when a frame was sent
}

// subscription is one of a connection's wishes. It is guarded by the hub's lock.
type subscription struct {
	id     string // the client's name for it
	filter Filter
	key    string // equal where frames are equal
	live   bool   // false while a replay is under way
	// seen says that everything up to here that fits was sent.
	seen events.Position
	stop context.CancelFunc // ends the replay
}

func (h *Hub) connected(s *melody.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		_ = s.Close()
		return
	}
	h.served.Add(1)
	c := &connection{session: s, subscriptions: map[string]*subscription{}, freed: make(chan struct{}, 1)}
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving != nil {
		c.leaving.Stop()
	}
	h.served.Done()
}

// write queues a frame, unless the connection is being closed. It closes one that is too far behind: nothing is left out of
// what the client receives before. The hub's lock is held.
func (h *Hub) write(c *connection, text []byte) bool {
	c.mu.Lock()
	leaving := c.leaving != nil
	behind := c.waiting >= buffered || c.bytes+len(text) > bufferedBytes && c.waiting > 0
	if !leaving && !behind {
		c.waiting++
		c.bytes += len(text)
	}
	c.mu.Unlock()
	if !leaving && behind {
		h.Logger.Info("a websocket client cannot keep up and is closed", "remote", c.session.RemoteAddr().String())
		h.closeWithResume(c, melody.CloseTryAgainLater, "too slow")
	}
	return !leaving && !behind && c.session.Write(text) == nil
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

// sent makes room for further frames.
func (h *Hub) sent(s *melody.Session, text []byte) {
	c, _ := s.MustGet(connectionKey).(*connection) // without the hub's lock, which others hold for long
	c.mu.Lock()
	c.waiting--
	c.bytes -= len(text)
	c.mu.Unlock()
	select {
	case c.freed <- struct{}{}:
	default:
	}
}

// waitCapacity blocks until few frames are queued for the client.
func (c *connection) waitCapacity(ctx context.Context) bool {
	for {
		c.mu.Lock()
		free := c.waiting < inFlight
		c.mu.Unlock()
		if free {
			return ctx.Err() == nil
		}
		select {
		case <-c.freed:
		case <-ctx.Done():
			return false
		}
	}
}

// drop ends a subscription. The hub's lock is held.
func (h *Hub) drop(c *connection, id string) {
	if s := c.subscriptions[id]; s != nil {
		h.unfollow(s)
		if s.stop != nil {
			s.stop()
		}
		delete(c.subscriptions, id)
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
