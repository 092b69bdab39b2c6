// Package socketio is the Socket.IO endpoint that ElizaOS clients chat over (CONTRACT 5). What it broadcasts is what has
// become readable, whoever wrote it: another node, an agent, a client of the REST API.
package socketio

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/limits"
	"annals/transport/serverlog"
	"annals/transport/socketio/carrier"
)

// goodbye bounds each step of stopping.
const goodbye = 5 * time.Second

// Options for New. It needs all but what has a default.
type Options struct {
	Env      commands.Env
	Channels Channels
	Waiter   Waiter
	Logs     *serverlog.Ring
	// Identify returns the client that a request comes from; key is what the client sent beside it. Where a key is needed and the right one
	// is not there it fails, with a text for the client.
	Identify func(r *http.Request, key string) (actor string, err error)
	Clock    func() time.Time
	NewID    func() uuid.UUID // version 7
	Logger   *slog.Logger
	// Client is the client that a request counts for: its address by default.
	Client func(*http.Request) netip.Prefix
	// Connections bounds how many identified sessions there are at a time, ConnectTime how long a client may take to connect;
	// maxConnections and connectTime by default.
	Connections int
	ConnectTime time.Duration
	// Parting is how long a client without a key stays connected, ignored, after `unauthorized`, 15 s: ElizaOS's web client comes back the
	// moment it is closed, and asks for the key anew.
	Parting time.Duration
	// CookieTime is how long a page of ours that shows no key waits for its session, 2 s: its cookie may be on the way.
	CookieTime time.Duration
}

// Channels shows a channel as it can be read now.
type Channels interface {
	Channel(ctx context.Context, id uuid.UUID) (queries.Channel, error)
	// RecentIn are the newest messages of a channel.
	RecentIn(ctx context.Context, channel uuid.UUID) ([]uuid.UUID, error)
}

// Waiter tells when a group of projections has reached a position. An error means that it has not, for now.
type Waiter interface {
	Wait(ctx context.Context, group string, p events.Position) error
}

// Hub is the endpoint. Publish feeds it with what was committed.
type Hub struct {
	Options
	carrier *carrier.Server

	ctx       context.Context //nolint:containedctx // ends what is under way when the hub closes
	cancel    context.CancelFunc
	stop      func()         // no longer watches the log
	work      sync.WaitGroup // log streaming, updates of channels
	dealing   sync.WaitGroup // with what clients sent
	served    sync.WaitGroup // connections
	logs      chan logged
	updates   *updates
	strangers *limits.Places[*connection] // sessions that are not identified

	mu          sync.Mutex
	closed      bool
	connections map[*carrier.Session]*connection
	// rooms are kept here since the library's can lose whoever joins a room while the last one leaves it.
	rooms    map[string]map[*connection]bool
	sending  map[uuid.UUID][]*sending          // messages that are not readable yet
	watching map[*connection]*serverlog.Filter // who wants the log
}

// New is a hub without clients.
func New(o Options) *Hub {
	o.Connections, o.ConnectTime = cmp.Or(o.Connections, maxConnections.Int()), cmp.Or(o.ConnectTime, connectTime.Duration())
	o.Parting, o.CookieTime = cmp.Or(o.Parting, 15*time.Second), cmp.Or(o.CookieTime, 2*time.Second)
	if o.Client == nil {
		o.Client = func(r *http.Request) netip.Prefix { return limits.AddressOf(r.RemoteAddr) }
	}
	h := &Hub{
		Options: o, logs: make(chan logged, logsWaiting), updates: newUpdates(), connections: map[*carrier.Session]*connection{},
		strangers: limits.NewPlaces[*connection](maxStrangers, maxStrangersOfClient),
		rooms:     map[string]map[*connection]bool{}, sending: map[uuid.UUID][]*sending{}, watching: map[*connection]*serverlog.Filter{},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.carrier = carrier.New(carrier.Options{
		Client:      o.Client,
		ConnectTime: 2 * o.ConnectTime, // ours is stricter
		Opened:      h.opened, Connected: h.connected, Slow: h.slow, Closed: h.closedBy,
	})
	h.work.Go(h.streamLogs)
	h.work.Go(h.showUpdates)
	h.stop = h.Logs.Watch(h.logged)
	return h
}

// Connected counts the connections.
func (h *Hub) Connected() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.connections)
}

// Close lets what is under way end, ends every connection, and returns when nothing of them is left. Clients come back by
// themselves when there is a server again.
func (h *Hub) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	h.mu.Unlock()

	h.stop()
	late := time.AfterFunc(goodbye, h.cancel)
	h.dealing.Wait()
	late.Stop()
	h.cancel()
	h.hangUp(false)
	harder := time.AfterFunc(time.Second, func() { h.hangUp(true) })
	defer harder.Stop()
	gone := make(chan struct{})
	go func() { h.served.Wait(); h.work.Wait(); close(gone) }()
	select {
	case <-gone:
		return nil
	case <-time.After(goodbye):
		return errors.New("socket.io: connections that do not end")
	}
}

// hangUp ends all connections, behind what waits for them or at once.
func (h *Hub) hangUp(atOnce bool) {
	h.mu.Lock()
	var all []*connection
	for _, c := range h.connections {
		all = append(all, c)
	}
	h.mu.Unlock()
	for _, c := range all { // without the lock, which their end takes
		c.Close(atOnce)
	}
}

// begin counts something that is dealt with for a client; it is false when the hub is closing.
func (h *Hub) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.dealing.Add(1)
	}
	return !h.closed
}
