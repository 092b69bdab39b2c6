package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"annals/events"
	"annals/events/esdb/esdbtest"
)

// patience bounds everything in these tests that waits, but what a connection hears in all: that has lifetime, since a client
// that waits for its end would otherwise hear heartbeats for ever.
const (
	patience = time.Minute
	lifetime = 2 * time.Minute
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

// world is a hub on a log of its own, behind a real server.
type world struct {
	t   testing.TB
	log *esdbtest.Log
	id  uuid.UUID
	hub *Hub
	url string
	// narrow makes connections that hold little that the client has not read.
	narrow bool

	mu        sync.Mutex
	published events.Position
}

// newWorld has begun: what is recorded is pushed once publish is called.
func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, log: esdbtest.New(t), id: uuid.New()}
	w.start(change...)
	w.hub.Begin(0)
	return w
}

// start puts a new hub in the place of the one before.
func (w *world) start(change ...func(*Options)) {
	w.t.Helper()
	o := Options{Log: w.id, Store: w.log.Store, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&o)
	}
	hub := New(o)
	router := gin.New()
	router.GET("/ws", gin.WrapH(hub))
	server := httptest.NewUnstartedServer(router)
	server.Listener = narrow{server.Listener, w.narrow}
	server.Start()
	w.t.Cleanup(func() { must(w.t, hub.Close()); server.Close() })
	w.hub, w.url = hub, server.URL+"/ws"
}

// narrow is a listener whose connections may be narrow.
type narrow struct {
	net.Listener
	narrow bool
}

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok && n.narrow {
		_ = tcp.SetWriteBuffer(64 << 10)
	}
	return c, err
}

// record appends facts and gives the position of the last.
func (w *world) record(facts ...events.Event) events.Position {
	w.t.Helper()
	var p events.Position
	for _, f := range facts {
		p = w.log.Record(streamOf(f), time.Now().UTC(), f)
	}
	return p
}

func streamOf(e events.Event) events.StreamID {
	switch e := e.(type) {
	case events.LogOpened:
		return events.LogStream
	case events.AgentCreated:
		return events.AgentStream(e.AgentID)
	case events.AgentStarted:
		return events.AgentStream(e.AgentID)
	case events.ChannelCreated:
		return events.ChannelStream(e.ChannelID)
	case events.MessageSubmitted:
		return events.MessageStream(e.MessageID)
	case events.SubjectErased:
		return events.SubjectStream(e.SubjectID)
	case events.TurnCompleted:
		return events.TurnStream(e.TurnID)
	}
	panic("no stream for a " + e.EventType())
}

// publish tells the hub of all that was recorded.
func (w *world) publish() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	var batch []events.Recorded
	for e, err := range w.log.ReadAll(ctx, w.published, events.Forwards, events.Filter{}) {
		must(w.t, err)
		batch = append(batch, e)
	}
	if len(batch) > 0 {
		w.published = batch[len(batch)-1].Position
		w.hub.Publish(batch, w.published)
	}
}

// push records facts and publishes them.
func (w *world) push(facts ...events.Event) events.Position {
	w.t.Helper()
	p := w.record(facts...)
	w.publish()
	return p
}

func (w *world) token(p events.Position) string { return events.Token{Log: w.id, Position: p}.String() }

// heard is a frame as a client sees it.
type heard struct {
	ID           string
	Subscribed   *Filter
	Unsubscribed bool
	Position     string
	Events       []struct {
		Position, Type, Stream, Actor string
		ID, Correlation, Causation    uuid.UUID
		Revision                      *uint64
		At, RecordedAt                time.Time
		Data                          json.RawMessage
	}
	CaughtUp string
	Reset    string
	Stream   *events.Chunk
	Error    *refusal
	raw      string
}

// client is one connection.
type client struct {
	t    testing.TB
	conn *websocket.Conn
	ends time.Time // when reading fails at the latest
}

func newClient(t testing.TB, conn *websocket.Conn) *client {
	return &client{t, conn, time.Now().Add(lifetime)}
}

func (w *world) dial() *client {
	w.t.Helper()
	dialer := websocket.Dialer{NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok && w.narrow {
			_ = tcp.SetReadBuffer(64 << 10)
		}
		return conn, err
	}}
	conn, res, err := dialer.Dial(strings.Replace(w.url, "http", "ws", 1), nil)
	must(w.t, err)
	_ = res.Body.Close()
	w.t.Cleanup(func() { _ = conn.Close() })
	return newClient(w.t, conn)
}

func (c *client) send(text string) {
	c.t.Helper()
	must(c.t, c.conn.WriteMessage(websocket.TextMessage, []byte(text)))
}

// next is the next frame.
func (c *client) next() heard {
	c.t.Helper()
	h, err := c.read()
	must(c.t, err)
	return h
}

func (c *client) read() (heard, error) {
	until := time.Now().Add(patience)
	if c.ends.Before(until) {
		until = c.ends
	}
	if err := c.conn.SetReadDeadline(until); err != nil {
		return heard{}, err
	}
	_, text, err := c.conn.ReadMessage()
	if err != nil {
		return heard{}, err
	}
	h := heard{raw: string(text)}
	return h, json.Unmarshal(text, &h)
}

// watch subscribes and has caught up when it returns; what was replayed is in its answer.
func (w *world) watch(subscribe string) (*client, []heard) {
	w.t.Helper()
	c := w.dial()
	c.send(subscribe)
	return c, c.catchUp()
}

func (c *client) catchUp() (replayed []heard) {
	c.t.Helper()
	if h := c.next(); h.Subscribed == nil {
		c.t.Fatalf("not subscribed: %s", h.raw)
	}
	for {
		h := c.next()
		if h.CaughtUp != "" {
			return append(replayed, h)
		}
		if h.Events == nil {
			c.t.Fatalf("not replayed: %s", h.raw)
		}
		replayed = append(replayed, h)
	}
}

// positions are those of the facts in some frames.
func positions(frames ...heard) (list []string) {
	for _, f := range frames {
		for _, e := range f.Events {
			list = append(list, e.Position)
		}
	}
	return list
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come to that %s", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// author is a person.
var author = uuid.MustParse("ada00000-0000-4000-8000-000000000000")

func message(channel uuid.UUID, content string) events.MessageSubmitted {
	return events.MessageSubmitted{MessageID: uuid.New(), ChannelID: channel, AuthorID: author, Content: content}
}
