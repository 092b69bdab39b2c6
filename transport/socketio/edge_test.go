package socketio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"annals/commands"
	"annals/events"
	"annals/transport/httpapi/httpapitest"
	"annals/transport/socketio/carrier"
)

func TestWhatMakesNoSenseIsRefusedAndNotDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.connect()
	incomplete := new(connection).incomplete()
	says := func(packet, want string) {
		t.Helper()
		a.send(packet)
		if d := a.next("messageError").data; !strings.Contains(fmt.Sprint(d["error"]), want) {
			t.Errorf("%.80s is refused with %v", packet, d)
		}
	}
	says(`42["message"]`, "type")
	says(`42["message","just a string"]`, "type")
	says(`42["message",{"type":"1","payload":{"channelId":"x"}}]`, "type")
	says(`42["message",{"type":3,"payload":{}}]`, "Unknown type of message: 3.")
	says(`42["message",{"type":0,"payload":{}}]`, "Unknown type of message: 0.")
	says(`42["message",{"type":1,"payload":null}]`, "channelId is required for joining.")
	says(`42["1",null]`, "channelId is required for joining.")
	says(`42[2,[]]`, incomplete)
	says(`42["unknown_event",{"x":1}]`, "unknown_event")
	says(`42["1",{"entityId":"x"}]`, "channelId is required for joining.")
	says(`42["1",{"channelId":"`+strings.Repeat("x", 300)+`"}]`, "longer")
	channel, nobody := uuid.New(), uuid.New()
	for _, lacking := range []string{"channelId", "serverId", "senderId", "message"} {
		for _, bad := range []any{nil, "", 0, true, []any{}, "nope"} {
			p := map[string]any{"channelId": channel, "serverId": nobody, "senderId": ann, "message": "x"}
			if p[lacking] = bad; lacking == "message" && bad == "nope" {
				continue
			}
			says("42"+jsonOf([]any{"2", p}), incomplete)
		}
	}
	says("42"+jsonOf([]any{"2", map[string]any{"channelId": channel, "serverId": nobody, "senderId": ann, "message": "x"}}), "Server "+nobody.String()+" does not exist")
	whole := func(message string, metadata string) string {
		return `42["2",{"channelId":"` + channel.String() + `","serverId":"0","senderId":"` + ann.String() + `","message":` + message + `,"metadata":` + metadata + `}]`
	}
	says(whole(`"a\u0000b"`, `{}`), "[SocketIO] Error processing your message")
	says(whole(`"`+strings.Repeat("x", 950_000)+`"`, `{}`), "too large: a MessageSubmitted has at most 921600 bytes")
	says(whole(`"x"`, strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100)), "[SocketIO] Error processing your message")
	if c, err := w.env.States.Channel(t.Context(), channel); err != nil || c.Exists {
		t.Errorf("a message that was refused made its channel: %+v, %v", c, err)
	}
	a.send(`451-["2",{"channelId":{"_placeholder":true,"num":0}}]`)
	must(t, a.conn.WriteMessage(2, []byte("binary")))
	if d := a.next("messageError").data; !strings.Contains(fmt.Sprint(d["error"]), "Binary") {
		t.Errorf("an attachment is refused with %v", d)
	}
	a.send(whole(`"still here"`, `7`))
	a.next("messageBroadcast")
}

func TestAClientCanJoinNoMoreThanSoManyChannels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.connect()
	for i := range maxRooms {
		a.emit("1", map[string]any{"channelId": fmt.Sprint("room-", i)})
		a.next("channel_joined")
		a.next("room_joined")
	}
	a.emit("1", map[string]any{"channelId": "one more"})
	a.next("messageError")
	a.emit("1", map[string]any{"channelId": "room-7"})
	a.next("channel_joined")
}

// Property: whatever packets a client sends, the server serves on.
func TestNoPacketHurtsTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	parts := []string{
		"0", "1", "2", "2probe", "3", "4", "5", "6", "7", "b", "b!!", "bAAAA", "40", "41", "42", "43", "44", "45", "46", "451-", "450-", "4599-", "42/x,", "40/x,", "421",
		`[]`, `["1"]`, `["1",{}]`, `["2",{}]`, `["message",{"type":1e400}]`, `{}`, `null`, `[null]`, `[{}]`, `["error"]`, `["disconnect"]`, `[1.5]`, `["1",{"channelId":"x"}]`,
		`["message",{"type":2,"payload":{"channelId":{"_placeholder":true,"num":9}}}]`, `{"_placeholder":true,"num":-1}`, strings.Repeat("[", 20_000), "\x00", "\xff", "\x1e", "é", "-1", "99999999999999999999999",
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := w.open()
		defer func() { _ = c.conn.Close() }()
		if rapid.Bool().Draw(rt, "connected") {
			c.send("40")
		}
		for range rapid.IntRange(1, 8).Draw(rt, "packets") {
			text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 4).Draw(rt, "packet"), "")
			if c.conn.WriteMessage(rapid.SampledFrom([]int{1, 2}).Draw(rt, "kind"), []byte(text)) != nil {
				break // closed on us, rightly
			}
		}
	})
	w.member(uuid.New())
}

// polls makes a request of the polling transport.
func (w *world) polls(method, query, body string) (int, string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, w.url+"/socket.io/?"+query, strings.NewReader(body))
	must(w.t, err)
	res, err := httpapitest.Described().Transport(http.DefaultTransport, func(err error) { w.t.Error(err) }).RoundTrip(r)
	must(w.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(w.t, err)
	return res.StatusCode, string(text)
}

func TestAClientMayPollAndIsHeldToTheSameLimits(t *testing.T) {
	w := newWorld(t)
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	for _, query := range []string{"EIO=3&transport=polling", "transport=polling", "EIO=4&transport=polling&j=0", "EIO=4&transport=carrier", "EIO=4&transport=polling&sid=unknown"} {
		if status, text := w.polls(http.MethodGet, query, ""); status != http.StatusBadRequest || !strings.HasPrefix(text, `{"code":`) {
			t.Errorf("%s: %d %s", query, status, text)
		}
	}
	_, text := w.polls(http.MethodGet, "EIO=4&transport=polling", "")
	var hello struct {
		SID                                   string
		PingInterval, PingTimeout, MaxPayload int
		Upgrades                              []string
	}
	must(t, json.Unmarshal([]byte(text[1:]), &hello))
	if hello.PingInterval != 25_000 || hello.PingTimeout != 20_000 || hello.MaxPayload != 1_000_000 || len(hello.Upgrades) != 1 {
		t.Errorf("the server says %s", text)
	}
	session := "EIO=4&transport=polling&sid=" + hello.SID
	for _, body := range []string{strings.Repeat("x", carrier.MaxPayload.Int()+1), strings.Repeat("3\x1e", carrier.MaxPackets.Int())} {
		if status, text := w.polls(http.MethodPost, session, body); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%d bytes are taken: %d %s", len(body), status, text)
		}
	}
	if status, text := w.polls(http.MethodPost, session, `40`); status != http.StatusOK || text != "ok" {
		t.Errorf("connecting is answered with %d %s", status, text)
	}
	var all string
	poll := func(until string) {
		t.Helper()
		for !strings.Contains(all, until) {
			status, text := w.polls(http.MethodGet, session, "")
			if all += text; status != http.StatusOK {
				t.Fatalf("%d %s", status, text)
			}
		}
	}
	poll("connection_established")
	channel := uuid.New()
	w.polls(http.MethodPost, session, `42["1",{"channelId":"`+channel.String()+`"}]`+"\x1e"+`42["1",{}]`)
	poll("messageError")
	w.member(channel).say(channel, "to who polls")
	poll("to who polls")
}

func TestAClientThatDoesNotReadIsClosedAndSlowsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	w.member(channel) // reads nothing more
	b := w.member(channel)
	content := strings.Repeat("x", 300_000)
	for i := 0; connections(w.hub) == 2; i++ {
		if i == 200 {
			t.Fatal("60 MB wait for a client that does not read")
		}
		id := newID()
		w.hub.Publish([]events.Recorded{{Event: events.MessageSubmitted{MessageID: id, ChannelID: channel, Content: content}}})
		if b.next("messageBroadcast").data["id"] != id.String() {
			t.Fatal("the other one misses a message")
		}
	}
}

func connections(h *Hub) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.connections)
}

func TestNoMoreIsTakenFromAClientThanIsDealtWith(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w := newWorld(t, func(w *world, o *Options) { o.Env.Store = stuck{o.Env.Store, release} })
	channel := uuid.New()
	a := w.connect()
	taken := make(chan int)
	go func() { // a client that sends what it can within a second
		n := 0
		must(t, a.conn.SetWriteDeadline(time.Now().Add(time.Second)))
		message := []byte("42" + jsonOf([]any{"2", map[string]any{"channelId": channel, "serverId": events.DefaultServer, "senderId": ann, "message": strings.Repeat("x", 200_000)}}))
		for a.conn.WriteMessage(1, message) == nil {
			n++
		}
		taken <- n
	}()
	n := <-taken
	close(release)
	if n > 2*carrier.InHand+80 { // the rest is in the buffers of the system
		t.Errorf("%d messages are taken", n)
	}
}

// stuck is a log in which nothing is recorded until it is released.
type stuck struct {
	events.Store
	release chan struct{}
}

func (s stuck) Append(ctx context.Context, id events.StreamID, expect events.Revision, facts ...events.Proposed) (events.Position, error) {
	if id.Category() == "message" {
		select {
		case <-s.release:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return s.Store.Append(ctx, id, expect, facts...)
}

func TestThereAreNoMoreConnectionsThanMayBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *world, o *Options) { o.Connections = 2 })
	w.connect()
	b := w.connect()
	if answer := w.knock("127.0.0.1:1"); answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("a third one is answered with %d", answer.Code)
	}
	_ = b.conn.Close()
	eventually(t, "the second one is gone", func() bool { return connections(w.hub) == 1 })
	w.connect()
}

// knock begins a session from an address without a connection, and does not go on with it.
func (w *world) knock(remote string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil)
	r.RemoteAddr = remote
	answer := httptest.NewRecorder()
	w.hub.ServeHTTP(answer, r)
	return answer
}

func TestWhoDoesNotSayWhoItIsIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *world, o *Options) { o.ConnectTime = 50 * time.Millisecond })
	w.open().ended()
	eventually(t, "it is gone", func() bool { return w.hub.Connected() == 0 })
}

func TestWhoComesInTheMomentOfStoppingIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stopping := func(yes bool) { w.hub.mu.Lock(); defer w.hub.mu.Unlock(); w.hub.closed = yes }
	stopping(true)
	defer stopping(false)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		w.hub.carrier.Serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil), nil)
	}()
	select {
	case <-answered:
	case <-time.After(patience):
		t.Fatal("it waits for ever")
	}
}

func TestStoppingEndsConnectionsBehindWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	w := newWorld(t, func(w *world, o *Options) { o.Env.Store = stuck{o.Env.Store, release} })
	channel := uuid.New()
	a, silent := w.connect(), w.open()
	said := a.say(channel, "the last words", "messageId", "last")
	eventually(t, "it is being dealt with", func() bool { w.hub.mu.Lock(); defer w.hub.mu.Unlock(); return len(w.hub.sending) == 1 })
	closed := make(chan error)
	go func() { closed <- w.hub.Close() }()
	eventually(t, "nobody is let in", func() bool {
		answer := httptest.NewRecorder()
		w.hub.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil))
		return answer.Code == http.StatusServiceUnavailable
	})
	close(release)
	must(t, <-closed)
	a.ended()
	silent.ended()
	m, err := commands.Load[commands.Message](t.Context(), w.env, events.MessageStream(events.Derive(channel, ann.String(), a.sid, "last")))
	if err != nil || m.Content != said["message"] {
		t.Errorf("recorded is %+v, %v", m, err)
	}
}

func TestAClientMayLeaveAndComeBackOnTheSameTransport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	a, b := w.member(channel), w.member(channel)
	a.send("41")
	eventually(t, "it has left", func() bool { return len(w.hub.members(channel.String())) == 1 })
	b.say(channel, "unheard")
	b.next("messageBroadcast")
	a.send("40")
	a.read()
	a.next("connection_established")
	a.join(channel)
	b.say(channel, "heard")
	if said := a.next("messageBroadcast").data["text"]; said != "heard" {
		t.Errorf("it hears %v", said)
	}
}

func TestWhatAClientSaysBeforeItIsAnsweredIsHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 200 {
		c := w.open()
		c.send("40")
		c.send(`42["1",{"channelId":"x"}]`)
		c.read()
		c.next("connection_established")
		c.next("channel_joined")
		_ = c.conn.Close()
	}
}
