package socketio

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"annals/commands"
	"annals/events"
)

// polling is a client that has said 40 and polls until it hears something.
func (w *world) polling(hears string) (sid, session string) {
	w.t.Helper()
	_, text := w.polls(http.MethodGet, "EIO=4&transport=polling", "")
	var hello struct{ SID string }
	must(w.t, json.Unmarshal([]byte(text[1:]), &hello))
	session = "EIO=4&transport=polling&sid=" + hello.SID
	w.polls(http.MethodPost, session, "40")
	for all := ""; !strings.Contains(all, hears); {
		status, text := w.polls(http.MethodGet, session, "")
		if all += text; status != http.StatusOK {
			w.t.Fatalf("%s is awaited: %d %s", hears, status, all)
		}
	}
	return hello.SID, session
}

func TestAFirstJoinMayBePolledDuringTheUpgradeAndAnsweredBehindIt(t *testing.T) {
	w := newWorld(t)
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	channel := uuid.New()
	sid, session := w.polling(`42["connection_established",`)
	conn, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(w.url, "http")+"/socket.io/?EIO=4&transport=websocket&sid="+sid, nil)
	must(t, err)
	_ = res.Body.Close()
	defer conn.Close()
	c := &client{t: t, conn: conn}
	c.send("2probe")
	if answer := c.read(); answer != "3probe" {
		t.Fatalf("the probe is answered with %s", answer)
	}
	join := `42["message",{"type":1,"payload":{"channelId":"` + channel.String() + `","roomId":"` + channel.String() + `","entityId":"` + ann.String() + `"}}]`
	if status, text := w.polls(http.MethodPost, session, join); status != http.StatusOK {
		t.Fatalf("joining is answered with %d %s", status, text)
	}
	eventually(t, "it has joined", func() bool { return len(w.hub.members(channel.String())) == 1 })
	c.send("5")
	for _, told := range []string{"channel_joined", "room_joined"} {
		if d := c.next(told).data; d["roomId"] != channel.String() {
			t.Errorf("%s: %v", told, d)
		}
	}
	w.member(channel).say(channel, "to who has changed")
	if d := c.next("messageBroadcast").data; d["text"] != "to who has changed" {
		t.Errorf("it hears %v", d)
	}
}

func TestTheWebClientIsToldWhyItIsTurnedAway(t *testing.T) {
	w := newWorld(t, keyed)
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	w.polling(`42["unauthorized","`) // a text
	c := w.open()
	c.send("40")
	c.read() // connected
	var told []any
	must(t, json.Unmarshal([]byte(c.read()[2:]), &told))
	if reason, ok := told[1].(string); told[0] != "unauthorized" || !ok || reason == "" {
		t.Errorf("told is %v", told)
	}
	c.ended()
	eventually(t, "who polls is closed as well", func() bool { return w.hub.Connected() == 0 })
}

func TestTheWebClientIsNotClosedWhileItAsksForTheKey(t *testing.T) {
	w := newWorld(t, func(w *world, o *Options) { w.keyed, o.Parting = true, time.Hour })
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	_, session := w.polling(`42["unauthorized",`)
	if status, text := w.polls(http.MethodPost, session, `42["1",{"channelId":"x"}]`); status != http.StatusOK || w.hub.Connected() != 1 {
		t.Errorf("it is closed: %d %s", status, text)
	}
	if len(w.hub.members("x")) > 0 {
		t.Error("it is heard")
	}
}

func TestTheWebClientRecognizesItsOwnMessagesAndItsAgents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, channel := uuid.New(), uuid.New()
	handle(w, commands.CreateAgent{AgentID: agent, Character: events.Character{Name: "Ada"}})
	for _, c := range []struct{ source, kind string }{{"client_chat", "DM"}, {"client_group_chat", "GROUP"}} {
		a, second := w.member(channel), w.member(channel)
		mine := uuid.NewString() // the bubble that waits
		a.emit("message", map[string]any{"type": 2, "payload": map[string]any{
			"senderId": ann, "senderName": "user", "message": "hello", "channelId": channel, "roomId": channel, "serverId": events.DefaultServer,
			"messageId": mine, "source": c.source, "metadata": map[string]any{"channelType": c.kind},
		}})
		own, theirs := a.next("messageBroadcast").data, second.next("messageBroadcast").data
		if own["clientMessageId"] != mine || own["id"] == nil || own["source"] != c.source || own["senderName"] != "user" || own["createdAt"].(float64) < 1e12 {
			t.Errorf("its own message is %v", own)
		}
		// Another tab of the same visitor has no bubble to put it in: it shows what is not its own.
		if theirs["clientMessageId"] != nil || theirs["id"] != own["id"] || theirs["senderId"] != ann.String() {
			t.Errorf("another tab hears %v", theirs)
		}
		handle(w, commands.SubmitMessage{MessageID: uuid.New(), ChannelID: channel, AuthorID: agent, AuthorName: "Ada", Content: "an answer", SourceType: "agent_response"})
		if said := second.next("messageBroadcast").data; said["senderId"] != agent.String() || said["senderName"] != "Ada" || said["roomId"] != channel.String() {
			t.Errorf("the agent's answer is %v", said)
		}
		_, _ = a.conn.Close(), second.conn.Close()
		eventually(t, "both have left", func() bool { return w.hub.Connected() == 0 })
	}
}

func TestTheWebClientsInputIsAlwaysEnabledAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, channel := uuid.New(), uuid.New()
	a := w.member(channel)
	completed := func() {
		t.Helper()
		if d := a.next("messageComplete").data; d["channelId"] != channel.String() {
			t.Errorf("completed is %v", d)
		}
	}
	a.say(channel, "nobody is there", "messageId", "m-1")
	a.next("messageBroadcast")
	a.next("messageAck")
	completed()
	for _, outcome := range []string{events.TurnReplied, events.TurnIgnored, events.TurnFailed, events.TurnCutOff, events.TurnClosed} {
		handle(w, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{TurnID: uuid.New(), ChannelID: channel, AgentID: agent, Outcome: outcome}})
		if outcome == events.TurnFailed {
			a.next("messageError")
		}
		if outcome == events.TurnFailed || outcome == events.TurnCutOff {
			a.next("messageStreamError")
		}
		completed()
	}
}

func TestAPageWhoseCookieComesAfterItsFirstRequestIsLetIn(t *testing.T) {
	const wait = 300 * time.Millisecond
	w := newWorld(t, keyed, func(_ *world, o *Options) { o.CookieTime = wait })
	page := func(method, query, body string, header ...string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, w.url+"/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
		must(t, err)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		must(t, err)
		return string(text)
	}
	defer http.DefaultClient.CloseIdleConnections()
	for _, c := range []struct {
		later string // the key of the second request
		hears string
	}{{key, `42["connection_established",`}, {"wrong", `42["unauthorized",`}} {
		begun := time.Now()
		var hello struct{ SID string }
		must(t, json.Unmarshal([]byte(page(http.MethodGet, "", "", "Sec-Fetch-Site", "same-origin")[1:]), &hello))
		if took := time.Since(begun); took < wait {
			t.Errorf("a page without a key is answered after %s", took)
		}
		session := "&sid=" + hello.SID
		page(http.MethodPost, session, "40", "X-Api-Key", c.later)
		for all := ""; !strings.Contains(all, c.hears); {
			if all += page(http.MethodGet, session, ""); strings.Contains(all, `"code"`) {
				t.Fatalf("%s is awaited: %s", c.hears, all)
			}
		}
	}
}
