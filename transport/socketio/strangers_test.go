package socketio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"annals/transport/socketio/carrier"
)

// A flood of sessions without the key is bounded, ends by itself, and keeps out nobody who has the key: whether it is shown
// in the request or in the first packet.
func TestSessionsWithoutTheKeyTakeNobodysPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, keyed, func(_ *world, o *Options) { o.Connections, o.ConnectTime = 2, 2*time.Second })
	connected := w.withKey()
	for i := range maxStrangers.Int() + 500 {
		from := fmt.Sprintf("192.0.2.%d:1", i%3) // more of each than one address may have
		if answer := w.knock(from); answer.Code != http.StatusOK {
			t.Fatalf("the %dth stranger is answered with %d", i, answer.Code)
		}
		if n := w.hub.strangers.Taken(); n > maxStrangers.Int() || n > 3*maxStrangersOfClient.Int() {
			t.Fatalf("there are %d strangers", n)
		}
	}
	w.withKey() // while all their places are taken
	if answer := w.knock("127.0.0.1:1"); answer.Code != http.StatusOK {
		t.Errorf("a stranger is answered with %d because of those with the key", answer.Code)
	}
	eventually(t, "they are gone", func() bool { return w.hub.strangers.Taken() == 0 && w.hub.Connected() == 2 })
	connected.emit("1", map[string]any{"channelId": "x"})
	connected.next("channel_joined")
}

// withKey is a client that shows the key in its first packet.
func (w *world) withKey() *client {
	w.t.Helper()
	c := w.open()
	c.send(`40{"apiKey":"` + key + `"}`)
	c.read()
	c.next("connection_established")
	return c
}

func TestWithoutAKeyThisMachineIsKnownAndOthersAreStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *world, o *Options) { o.ConnectTime = 50 * time.Millisecond })
	w.knock("127.0.0.1:1")
	w.knock("[::1]:1")
	if n := w.hub.strangers.Taken(); n > 0 {
		t.Errorf("%d of this machine are strangers", n)
	}
	w.knock("192.0.2.1:1")
	if n := w.hub.strangers.Taken(); n != 1 {
		t.Errorf("%d of elsewhere are strangers", n)
	}
	eventually(t, "who does not connect is gone", func() bool { return w.hub.Connected() == 0 && w.hub.strangers.Taken() == 0 })
}

func TestWithoutTheKeyLittleMayBeSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, keyed)
	long := strings.Repeat("x", carrier.MaxStrangerBytes.Int()+1)
	c := w.open()
	pong := "3" + long[1:carrier.MaxStrangerBytes.Int()*2/3]
	c.send(pong)
	_ = c.conn.WriteMessage(websocket.TextMessage, []byte(pong)) // together too much: it may be cut off in the midst of it
	c.ended()
	known := w.withKey()
	known.emit("1", map[string]any{"channelId": "x", "more": long})
	known.next("channel_joined")

	sid := w.session("192.0.2.1:1")
	for query, want := range map[string]struct {
		body   io.Reader
		status int
	}{
		sid:            {strings.NewReader(long), http.StatusRequestEntityTooLarge},
		sid + "&x=":    {io.MultiReader(strings.NewReader(long), zeros{}), http.StatusRequestEntityTooLarge}, // of unknown length
		"nobodys":      {zeros{}, http.StatusBadRequest},
		sid + "&x=two": {strings.NewReader("3"), http.StatusOK},
	} {
		r := httptest.NewRequest(http.MethodPost, "/socket.io/?EIO=4&transport=polling&sid="+query, want.body)
		answer := httptest.NewRecorder()
		if w.hub.ServeHTTP(answer, r); answer.Code != want.status {
			t.Errorf("%s: %d %s", query, answer.Code, answer.Body)
		}
	}
}

// session is one that polls.
func (w *world) session(remote string) string {
	w.t.Helper()
	var hello struct{ SID string }
	must(w.t, json.Unmarshal(w.knock(remote).Body.Bytes()[1:], &hello))
	return hello.SID
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// hurried lets time for reading pass a thousand times faster.
type hurried struct{ http.ResponseWriter }

func (h hurried) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h hurried) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(h.ResponseWriter).SetReadDeadline(time.Now().Add(time.Until(t) / 1000))
}

func TestABodyThatArrivesTooSlowlyIsATimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { w.hub.ServeHTTP(hurried{out}, r) }))
	t.Cleanup(server.Close)
	sid := w.session("127.0.0.1:1")
	slow, writer := io.Pipe()
	defer writer.Close()
	go func() { _, _ = writer.Write([]byte("4")) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/socket.io/?EIO=4&transport=polling&sid="+sid, slow)
	must(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	must(t, err)
	text, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, res.Body.Close())
	if res.StatusCode != http.StatusRequestTimeout || !bytes.HasPrefix(text, []byte(`{"code":3,`)) {
		t.Errorf("answered with %d %s", res.StatusCode, text)
	}
}
