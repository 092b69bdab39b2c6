package socketio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"annals/commands"
	"annals/events"
	"annals/events/esdb/esdbtest"
	"annals/queries"
	"annals/transport/serverlog"
)

// patience bounds everything in these tests that waits.
const patience = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "secret"

var ann = uuid.MustParse("11111111-1111-4111-8111-111111111111")

// world is a hub on a log of its own, behind a real server. What is in the log is published as it comes, unless it is held.
type world struct {
	t     testing.TB
	log   *esdbtest.Log
	env   commands.Env
	hub   *Hub
	lines *serverlog.Ring
	url   string
	keyed bool

	mu   sync.Mutex
	held bool
	wake *sync.Cond
}

func newWorld(t testing.TB, change ...func(*world, *Options)) *world {
	t.Helper()
	w := &world{t: t, log: esdbtest.New(t), lines: serverlog.New()}
	w.wake = sync.NewCond(&w.mu)
	w.env = commands.Env{Store: w.log.Store, States: commands.NewStates(w.log.Store)}
	o := Options{
		Env: w.env, Channels: w, Waiter: w, Logs: w.lines, Identify: w.identify, Clock: time.Now,
		NewID: newID, Logger: slog.New(w.lines.Beside(slog.NewTextHandler(io.Discard, nil))),
	}
	for _, f := range change {
		f(w, &o)
	}
	handle(w, commands.DefaultServer())
	w.hub = New(o)
	server := httptest.NewServer(w.hub)
	t.Cleanup(server.Close)
	w.url = server.URL
	ctx, cancel := context.WithCancel(context.Background())
	var publishing sync.WaitGroup
	publishing.Go(func() { w.publish(ctx) })
	t.Cleanup(func() { must(t, w.hub.Close()); cancel(); w.hold(false); publishing.Wait() })
	return w
}

// keyed is a world that asks for the key and does not wait for those who have none.
func keyed(w *world, o *Options) { w.keyed, o.Parting = true, 50*time.Millisecond }

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// publish tells the hub of the log as it grows.
func (w *world) publish(ctx context.Context) {
	for e, err := range w.log.Subscribe(ctx, 0, events.Filter{}) {
		if err != nil {
			continue
		}
		w.mu.Lock()
		for w.held {
			w.wake.Wait()
		}
		w.mu.Unlock()
		w.env.States.Observe(e)
		w.hub.Publish([]events.Recorded{e})
	}
}

// hold keeps what is recorded from being readable.
func (w *world) hold(held bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = held
	w.wake.Broadcast()
}

// Channel implements Channels.
func (w *world) Channel(ctx context.Context, id uuid.UUID) (queries.Channel, error) {
	c, err := w.env.States.Channel(ctx, id)
	return queries.Channel{ID: id, Name: c.Name, Type: c.Type, ServerID: c.ServerID, Metadata: c.Metadata}, err
}

// RecentIn implements Channels.
func (w *world) RecentIn(ctx context.Context, channel uuid.UUID) (recent []uuid.UUID, err error) {
	for e, err := range w.log.ReadAll(ctx, 0, events.Backwards, events.Filter{Types: []string{events.MessageSubmitted{}.EventType()}}) {
		if err != nil {
			return nil, err
		}
		if m := e.Event.(events.MessageSubmitted); m.ChannelID == channel {
			recent = append(recent, m.MessageID)
		}
	}
	return recent, nil
}

// Wait implements Waiter.
func (w *world) Wait(context.Context, string, events.Position) error { return nil }

func (w *world) identify(r *http.Request, shown string) (string, error) {
	switch {
	case !w.keyed:
		return "anonymous", nil
	case shown == key || r.Header.Get("X-Api-Key") == key:
		return "key:default", nil
	case shown == "" && r.Header.Get("X-Api-Key") == "":
		return "anonymous", errors.New("missing")
	}
	return "anonymous", errors.New("wrong")
}

func handle[S commands.State[S], A any](w *world, cmd commands.Command[S, A]) {
	w.t.Helper()
	r := commands.Request{ID: newID(), At: time.Now().UTC().Truncate(time.Millisecond), Actor: "cli"}
	_, err := commands.Handle(context.Background(), w.env, r, cmd)
	must(w.t, err)
}

// client is one connection over a WebSocket, which speaks the protocol by hand.
type client struct {
	t    testing.TB
	conn *websocket.Conn
	sid  string
}

// heard is an event, or the acknowledgement of one where the name is empty.
type heard struct {
	name string
	data map[string]any
	text string
}

// open connects a transport and says nothing yet.
func (w *world) open() *client {
	w.t.Helper()
	c := w.dial()
	w.t.Cleanup(func() { _ = c.conn.Close() })
	return c
}

// dial is open for who closes the connection.
func (w *world) dial() *client {
	w.t.Helper()
	dialer := websocket.Dialer{NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(64 << 10)
		}
		return conn, err
	}}
	conn, res, err := dialer.Dial("ws"+strings.TrimPrefix(w.url, "http")+"/socket.io/?EIO=4&transport=websocket", nil)
	must(w.t, err)
	_ = res.Body.Close()
	c := &client{t: w.t, conn: conn}
	if first := c.read(); !strings.HasPrefix(first, "0{") {
		w.t.Fatalf("the first packet is %s", first)
	}
	return c
}

// connect is a client that was greeted.
func (w *world) connect() *client {
	w.t.Helper()
	c := w.open()
	c.send("40")
	if answer := c.read(); !strings.HasPrefix(answer, `40{"sid":`) {
		w.t.Fatalf("the answer is %s", answer)
	}
	c.sid, _ = c.next("connection_established").data["socketId"].(string)
	return c
}

// member is a client that has joined a channel.
func (w *world) member(channel uuid.UUID) *client {
	w.t.Helper()
	c := w.connect()
	c.join(channel)
	return c
}

func (c *client) join(channel uuid.UUID) {
	c.t.Helper()
	c.emit("message", map[string]any{"type": 1, "payload": map[string]any{"channelId": channel}})
	c.next("channel_joined")
	c.next("room_joined")
}

func (c *client) send(text string) {
	c.t.Helper()
	must(c.t, c.conn.WriteMessage(websocket.TextMessage, []byte(text)))
}

func (c *client) emit(event string, payload any) {
	c.t.Helper()
	c.send("42" + jsonOf([]any{event, payload}))
}

func jsonOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// say sends a message, and gives what was sent as its payload.
func (c *client) say(channel uuid.UUID, content string, more ...string) map[string]any {
	c.t.Helper()
	p := map[string]any{"channelId": channel, "serverId": events.DefaultServer, "senderId": ann, "message": content}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	c.emit("message", map[string]any{"type": 2, "payload": p})
	return p
}

func (c *client) read() string {
	c.t.Helper()
	for {
		must(c.t, c.conn.SetReadDeadline(time.Now().Add(patience)))
		_, text, err := c.conn.ReadMessage()
		must(c.t, err)
		if string(text) != "2" {
			return string(text)
		}
		c.send("3") // a pong
	}
}

// next is the next event, which has to be that one; an empty name stands for an acknowledgement.
func (c *client) next(name string) heard {
	c.t.Helper()
	text := c.read()
	h := heard{text: text}
	list := []any{&h.name, &h.data}
	if strings.HasPrefix(text, "43") {
		list = []any{&h.data}
	}
	if err := json.Unmarshal([]byte(text[bytes.IndexByte([]byte(text), '['):]), &list); err != nil && h.name != "unauthorized" {
		c.t.Fatalf("%s: %v", text, err)
	}
	if h.name != name {
		c.t.Fatalf("%q was expected, %s came", name, text)
	}
	return h
}

// ended fails the test unless the server closes the connection.
func (c *client) ended() {
	c.t.Helper()
	must(c.t, c.conn.SetReadDeadline(time.Now().Add(patience)))
	for {
		_, _, err := c.conn.ReadMessage()
		if err == nil {
			continue
		}
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			c.t.Fatal("the connection was not closed")
		}
		return
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
