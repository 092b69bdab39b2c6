package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"annals/cmd/internal/node"
	"annals/deploy/postgres/pgtest"
	"annals/transport/models/openai/openaitest"
)

// chunk is a piece of an answer, as clients of either socket are shown it.
type chunk struct {
	MessageID, ChannelID, RoomID, AgentID, InReplyTo, Chunk string
	Attempt                                                 int64
	Index                                                   int
}

// listening is a client of Socket.IO that has joined a channel.
type listening struct {
	t    *testing.T
	conn *websocket.Conn
}

func (c *client) listen(t *testing.T, channel string) *listening {
	t.Helper()
	dialer := websocket.Dialer{Jar: c.http.Jar}
	conn, res, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(c.base, "http")+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	l := &listening{t, conn}
	l.send("40")
	l.until("connection_established", nil)
	l.send(`42["1",{"channelId":"` + channel + `"}]`)
	l.until("room_joined", nil)
	return l
}

func (l *listening) send(text string) {
	if err := l.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		l.t.Error(err)
	}
}

// until gives the data of the next event of that name, and to other every other event.
func (l *listening) until(name string, other func(name string, data json.RawMessage)) json.RawMessage {
	l.t.Helper()
	for {
		_ = l.conn.SetReadDeadline(time.Now().Add(time.Minute))
		_, text, err := l.conn.ReadMessage()
		if err != nil {
			l.t.Fatalf("%s is awaited: %v", name, err)
		}
		if string(text) == "2" {
			l.send("3")
		}
		var (
			event string
			data  json.RawMessage
			begin = strings.IndexByte(string(text), '[')
		)
		if begin < 0 || json.Unmarshal(text[begin:], &[]any{&event, &data}) != nil {
			continue
		}
		if event == name || strings.HasPrefix(string(text), name) { // an acknowledgement has a number
			return data
		}
		if other != nil {
			other(event, data)
		}
	}
}

// chunks reads the pieces of an answer until the event that ends it, whose data it gives.
func (l *listening) chunks(end string) (all []chunk, ended json.RawMessage) {
	l.t.Helper()
	ended = l.until(end, func(name string, data json.RawMessage) {
		if name != "messageStreamChunk" {
			return
		}
		var c chunk
		if err := json.Unmarshal(data, &c); err != nil {
			l.t.Error(err)
		}
		all = append(all, c)
	})
	return all, ended
}

// assemble is the text of the last attempt, as a client puts it together.
func assemble(t *testing.T, all []chunk) (text string, attempts int) {
	t.Helper()
	var last chunk
	for _, c := range all {
		switch {
		case attempts == 0 || c.Attempt > last.Attempt:
			if attempts++; c.Index != 0 {
				t.Errorf("an attempt begins with %+v", c)
			}
			text = ""
		case c.Attempt != last.Attempt || c.Index != last.Index+1:
			t.Errorf("%+v comes after %+v", c, last)
		}
		text += c.Chunk
		last = c
	}
	return text, attempts
}

const told = "It was a dark and stormy night; the rain fell in torrents, except at occasional intervals."

func tells(openaitest.Request) string { return told }

func speaking(model *openaitest.Server) func(*node.Config) {
	return func(c *node.Config) { c.OpenAI.BaseURL, c.OpenAI.Model = model.URL, "oracle" }
}

func TestAnAnswerIsShownOverBothSocketsBeforeItIsSaid(t *testing.T) {
	t.Parallel()
	model := openaitest.Start(t, openaitest.Script{Answer: tells, Between: 10 * time.Millisecond})
	s := inside(t, speaking(model))
	agent := s.runningAgent(t, "Teller")
	channel := s.channel(t, "DM", agent)
	room, watching := s.listen(t, channel), s.watch(t, `{"subscribe":{"channels":["`+channel+`"]}}`)
	watching.until(t, caughtUp)
	asked, _, err := s.post(t.Context(), channel, "Tell me a story.")
	if err != nil {
		t.Fatal(err)
	}
	room.until("messageBroadcast", nil) // the question
	shown, broadcast := room.chunks("messageBroadcast")
	if complete, _ := room.chunks("messageComplete"); len(complete) > 0 {
		t.Errorf("shown after it was said: %+v", complete)
	}
	var said struct{ ID, Text, SenderID string }
	if err := json.Unmarshal(broadcast, &said); err != nil {
		t.Fatal(err)
	}
	if text, attempts := assemble(t, shown); text != told || attempts != 1 || said.Text != told || len(shown) < 3 {
		t.Errorf("shown was %q in %d chunks of %d attempts", text, len(shown), attempts)
	}
	if c := shown[0]; c.MessageID != said.ID || c.ChannelID != channel || c.RoomID != channel || c.AgentID != agent || c.InReplyTo != asked {
		t.Errorf("%+v is shown of %+v", c, said)
	}
	var seen []chunk
	for answered := false; !answered; {
		var frame struct {
			pushed
			Stream *chunk
		}
		if err := watching.conn.ReadJSON(&frame); err != nil {
			t.Fatal(err)
		}
		if frame.Stream != nil {
			seen = append(seen, *frame.Stream)
			if frame.Position != "" {
				t.Errorf("a chunk has the position %s", frame.Position)
			}
		}
		answered = has("TurnCompleted")(frame.pushed)
	}
	if text, _ := assemble(t, seen); text != told {
		t.Errorf("shown over /ws was %q", text)
	}
}

// outcome is how the agents dealt with a message, as the log has it.
func (w *watcher) outcome(t *testing.T, message string) (end struct{ Outcome, ReplyID string }) {
	t.Helper()
	w.until(t, func(p pushed) bool {
		for _, e := range p.Events {
			var turn struct{ MessageID string }
			if e.Type == "TurnCompleted" && json.Unmarshal(e.Data, &turn) == nil && turn.MessageID == message {
				return json.Unmarshal(e.Data, &end) == nil
			}
		}
		return false
	})
	return end
}

func TestARunningAnswerIsAbortedThroughAnyNode(t *testing.T) {
	t.Parallel()
	model := openaitest.Start(t, openaitest.Script{Answer: tells, Between: time.Hour})
	n := startNodes(t, 2, pgtest.New(t), "OPENAI_BASE_URL="+model.URL, "OPENAI_LARGE_MODEL=oracle")
	agent := n.node(0).runningAgent(t, "Teller")
	for i, over := range []string{"REST", "REST", "Socket.IO", "Socket.IO"} {
		node := n.node(i)
		channel := node.channel(t, "DM", agent)
		room, watching := node.listen(t, channel), node.watch(t, `{"subscribe":{"channels":["`+channel+`"],"types":["TurnCompleted","TurnAborted"]}}`)
		watching.until(t, caughtUp)
		asked, _, err := node.post(t.Context(), channel, "Tell me a story.")
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "the model is asked", func() bool { return len(model.Requests()) == i+1 })
		if over == "REST" {
			answer := node.must(t, http.StatusOK, http.MethodPost, "/api/messaging/central-channels/"+channel+"/abort", map[string]any{"messageId": asked})
			if !strings.Contains(string(answer.body), asked) {
				t.Errorf("aborted is %s", answer.body)
			}
		} else {
			room.send(`427["abort",{"channelId":"` + channel + `"}]`)
		}
		room.chunks("messageComplete")
		if end := watching.outcome(t, asked); end.Outcome != "aborted" || end.ReplyID != "" {
			t.Errorf("the turn ended as %+v", end)
		}
		if all := node.messages(t, channel); len(all) != 1 {
			t.Errorf("listed are %+v", all)
		}
	}
}

// A client sees the beginning of the answer, then the crash, then the answer from its beginning, and one message.
func TestAKillWhileAnAnswerIsShownLeavesOneAnswer(t *testing.T) {
	t.Parallel()
	slow := openaitest.Start(t, openaitest.Script{Answer: tells, Between: time.Hour})
	quick := openaitest.Start(t, openaitest.Script{Answer: tells, Between: time.Millisecond})
	settings := []string{"SERVER_PORT=0", "DATA_DIR=" + t.TempDir(), "POSTGRES_URL=" + pgtest.New(t), "OPENAI_LARGE_MODEL=oracle"}
	p := spawn(t, append(settings, "OPENAI_BASE_URL="+slow.URL)...)
	agent := p.runningAgent(t, "Teller")
	channel := p.channel(t, "DM", agent)
	room := p.listen(t, channel)
	asked, _, err := p.post(t.Context(), channel, "Tell me a story.")
	if err != nil {
		t.Fatal(err)
	}
	var before chunk
	if err := json.Unmarshal(room.until("messageStreamChunk", nil), &before); err != nil {
		t.Fatal(err)
	}
	p.kill()
	p = spawn(t, append(settings, "OPENAI_BASE_URL="+quick.URL)...)
	eventually(t, time.Minute, "the message is answered", func() bool { return len(p.messages(t, channel)) == 2 })
	all := p.messages(t, channel)
	if all[1].Content != told || all[1].InReplyTo != asked || all[1].ID != before.MessageID {
		t.Errorf("answered with %+v after %+v was shown", all[1], before)
	}
	// And what is asked now is shown by the new process.
	room = p.listen(t, channel)
	if _, _, err := p.post(t.Context(), channel, "Again!"); err != nil {
		t.Fatal(err)
	}
	room.until("messageBroadcast", nil) // the question
	shown, _ := room.chunks("messageBroadcast")
	if text, _ := assemble(t, shown); text != told || shown[0].Attempt <= before.Attempt {
		t.Errorf("shown was %q: %+v", text, shown)
	}
}
