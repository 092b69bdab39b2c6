// Package live pushes what has become readable to WebSocket subscribers, with the position of each fact, so that whoever
// comes back says where he was and misses nothing.
package live

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/olahol/melody"

	"annals/events"
	"annals/transport/limits"
)

const (
	// stopTimeout is how long a stopping hub waits for its clients to receive what was sent to them.
	stopTimeout = 5 * time.Second
)

// Options for New. What is zero has the default that is named.
type Options struct {
	Log   uuid.UUID
	Store events.Store
	// Origin tells whether a browser's page may connect; pages of the server itself by default.
	Origin func(*http.Request) bool
	Logger *slog.Logger
	// Client is the client that a request counts for: its address by default.
	Client func(*http.Request) netip.Prefix
	// Connections bounds how many there are at a time, Subscriptions those of one connection; maxConnections and
	// maxSubscriptions by default.
	Connections, Subscriptions int
	// Heartbeat is how often a subscriber that is up to date hears its position, 10 s.
	Heartbeat time.Duration
	// Ping is how often a client has to show that it is there, 30 s; one that does not for twice as long is gone.
	Ping time.Duration
}

// Hub is the WebSocket endpoint. Publish feeds it with what was committed.
type Hub struct {
	Options
	melody *melody.Melody

	ctx    context.Context //nolint:containedctx // ends the replays when the hub closes
	cancel context.CancelFunc
	work   sync.WaitGroup // heartbeat and replays
	served sync.WaitGroup // connections

	mu          sync.Mutex
	closed      bool
	begun       bool
	position    events.Position // everything up to here was published
	connections map[*melody.Session]*connection
	followers   map[uuid.UUID]map[*subscription]*connection // of channels
	gathered    gathered

	queued  atomic.Int64 // bytes of live frames that were not sent yet, each counted once
	replays *limits.Budget
	// replayTime is how long a client may take for a stretch.
	replayTime time.Duration
	recent     *recent
}

// New is a hub without subscribers.
func New(o Options) *Hub {
	o.Connections = cmp.Or(o.Connections, maxConnections.Int())
	o.Subscriptions = cmp.Or(o.Subscriptions, maxSubscriptions.Int())
	o.Heartbeat = cmp.Or(o.Heartbeat, 10*time.Second)
	o.Ping = cmp.Or(o.Ping, 30*time.Second)
	if o.Client == nil {
		o.Client = func(r *http.Request) netip.Prefix { return limits.AddressOf(r.RemoteAddr) }
	}
	h := &Hub{
		Options: o, melody: melody.New(), connections: map[*melody.Session]*connection{},
		followers: map[uuid.UUID]map[*subscription]*connection{}, replays: limits.NewBudget(maxReplayInAll, maxReplayOfClient, maxReplay),
		replayTime: replayTime.Duration(),
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.recent = newRecent(h.ctx, o.Store, func(e events.Recorded) *fact { return h.encoded(newFact(e)) })
	h.melody.Config.MaxMessageSize = maxMessage.Value
	h.melody.Config.MessageBufferSize = maxQueuedFrames.Int() + spare
	h.melody.Config.WriteWait = writeTime.Duration()
	h.melody.Config.PingPeriod = o.Ping
	h.melody.Config.PongWait = 2 * o.Ping
	h.melody.Upgrader.CheckOrigin = o.Origin
	h.melody.Upgrader.Error = func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
		code := "INVALID_REQUEST"
		if status == http.StatusForbidden {
			code = "FORBIDDEN"
		}
		w.Header().Set("Sec-WebSocket-Version", "13")
		answer(w, status, code, reason.Error())
	}
	h.melody.HandleConnect(h.connected)
	h.melody.HandleDisconnect(h.disconnected)
	h.melody.HandleMessage(h.received)
	h.melody.HandleMessageBinary(h.received)
	h.melody.HandleSentMessage(h.sent)
	h.work.Go(h.heartbeat)
	return h
}

// ServeHTTP upgrades the connection and returns when it ends.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	closed, full := h.closed, len(h.connections) >= h.Connections
	h.mu.Unlock()
	w.Header().Set("Retry-After", "5")
	switch {
	case closed:
		answer(w, http.StatusServiceUnavailable, "UNAVAILABLE", "the server is stopping")
		return
	case full:
		answer(w, http.StatusTooManyRequests, "RATE_LIMITED", "too many connections")
		return
	}
	w.Header().Del("Retry-After")
	if err := h.melody.HandleRequest(w, r); err != nil {
		h.Logger.DebugContext(r.Context(), "websocket not opened", "error", err)
	}
}

// Close ends every connection, telling each the position to resume from, and returns when nothing of them is left.
func (h *Hub) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.release()
	h.closed = true
	h.cancel()
	for _, c := range h.connections {
		h.closeWithResume(c, melody.CloseGoingAway, "stopping")
	}
	h.mu.Unlock()
	late := time.AfterFunc(stopTimeout, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, c := range h.connections {
			c.abort()
		}
	})
	defer late.Stop()
	h.served.Wait()
	h.work.Wait()
	return h.melody.Close()
}

// Connected counts the connections.
func (h *Hub) Connected() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.connections)
}

// Begin says that everything up to the position can be read, by an earlier life of this server perhaps. Subscribers wait
// for it: before, nobody knows how far what they missed goes.
func (h *Hub) Begin(position events.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = true
	h.position = max(h.position, position)
	for _, c := range h.connections {
		for _, s := range c.subscriptions {
			h.attach(c, s)
		}
	}
}

// push sends frames of a subscription. The hub's lock is held.
func (h *Hub) push(c *connection, s *subscription, frames []*frame) {
	for _, f := range frames {
		if h.write(c, f) {
			s.seen = f.upTo
		}
	}
}

// heartbeat sends every subscriber that is up to date its position, periodically.
func (h *Hub) heartbeat() {
	ticker := time.NewTicker(h.Heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-ticker.C:
		}
		h.mu.Lock()
		for _, c := range h.connections {
			for _, s := range c.subscriptions {
				if s.live {
					h.push(c, s, []*frame{h.pulse(s, max(s.seen, h.position))})
				}
			}
		}
		h.mu.Unlock()
	}
}

func (h *Hub) token(p events.Position) string { return events.Token{Log: h.Log, Position: p}.String() }
