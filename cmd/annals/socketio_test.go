package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"annals/cmd/internal/node"
)

// sockets connects over Socket.IO and says in its first packet what is given.
func sockets(t *testing.T, base, query, first string, header http.Header) (until func(begins string), send func(string), status int) {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(base, "http")+"/socket.io/?EIO=4&transport=websocket"+query, header)
	if res == nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if err != nil {
		return nil, nil, res.StatusCode
	}
	t.Cleanup(func() { _ = conn.Close() })
	send = func(text string) {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Error(err)
		}
	}
	send(first)
	return func(begins string) {
		t.Helper()
		for {
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			_, text, err := conn.ReadMessage()
			if err != nil {
				t.Fatalf("%s is awaited: %v", begins, err)
			}
			if strings.HasPrefix(string(text), begins) {
				return
			}
		}
	}, send, res.StatusCode
}

func TestTheKeyOpensSocketIOWhereverItIsShown(t *testing.T) {
	t.Parallel()
	s := inside(t, func(c *node.Config) { c.Key = "secret" })
	const greeted, refused = `42["connection_established"`, `42["unauthorized"`
	for _, c := range []struct{ query, first, header, value, hears string }{
		{"", "40", "", "", refused},
		{"&apiKey=wrong", `40{"apiKey":"wrong"}`, "X-Api-Key", "wrong", refused},
		{"", `40{"apiKey":"secret"}`, "", "", greeted},
		{"&apiKey=secret", "40", "", "", greeted},
		{"", "40", "X-Api-Key", "secret", greeted},
		{"", "40", "Authorization", "Bearer secret", greeted},
	} {
		header := http.Header{}
		if c.header != "" {
			header.Set(c.header, c.value)
		}
		until, _, _ := sockets(t, s.base, c.query, c.first, header)
		until(c.hears)
	}
	cookie := s.must(t, http.StatusOK, http.MethodGet, "/api/server/ping", nil, "X-API-KEY", "secret").header.Get("Set-Cookie")
	until, _, _ := sockets(t, s.base, "", "40", http.Header{"Cookie": {strings.Split(cookie, ";")[0]}})
	until(greeted)
}

func TestPagesOfOthersMayNotOpenASocket(t *testing.T) {
	t.Parallel()
	s := inside(t, nil)
	if _, _, status := sockets(t, s.base, "", "40", http.Header{"Origin": {"https://elsewhere.example"}}); status != http.StatusForbidden {
		t.Errorf("a page from elsewhere is answered with %d", status)
	}
	until, _, _ := sockets(t, s.base, "", "40", http.Header{"Origin": {"http://localhost:5173"}})
	until(`42["connection_established"`)
}

func TestAnAgentAnswersOverSocketIO(t *testing.T) {
	t.Parallel()
	s := inside(t, nil)
	agent, channel := s.runningAgent(t, "Answerer"), uuid.NewString()
	until, send, _ := sockets(t, s.base, "", "40", nil)
	until(`42["connection_established"`)
	send(`42["message",{"type":1,"payload":{"channelId":"` + channel + `"}}]`)
	until(`42["room_joined"`)
	send(`42["message",{"type":2,"payload":{"channelId":"` + channel + `","serverId":"` + defaultServer + `","senderId":"` + somebody +
		`","message":"I feel at home here.","metadata":{"isDm":true},"targetUserId":"` + agent + `"}}]`)
	until(`42["messageBroadcast"`)
	until(`42["messageAck"`)
	until(`42["messageBroadcast"`)
	until(`42["messageComplete"`)
	if said := s.messages(t, channel); len(said) != 2 || said[1].AuthorID != agent {
		t.Errorf("listed are %+v", said)
	}
}
