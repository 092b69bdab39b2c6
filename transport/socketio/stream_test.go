package socketio

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

func TestWhoJoinedAChannelIsShownAnswersWhileTheyComeIntoBeing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	member, other := w.member(channel), w.member(uuid.New())
	said := events.Chunk{
		MessageID: uuid.New(), ChannelID: channel, ServerID: events.DefaultServer, AgentID: uuid.New(), InReplyTo: uuid.New(),
		Attempt: 7, Index: 3, Text: "so far",
	}
	w.hub.Stream(said)
	got := member.next("messageStreamChunk").data
	for key, want := range map[string]any{
		"messageId": said.MessageID.String(), "channelId": channel.String(), "roomId": channel.String(), "agentId": said.AgentID.String(),
		"serverId": events.DefaultServer.String(), "inReplyTo": said.InReplyTo.String(), "attempt": 7.0, "index": 3.0, "chunk": "so far",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	other.emit("message", map[string]any{"type": 1, "payload": map[string]any{}})
	other.next("messageError") // and nothing before
}

func TestWhoDoesNotReadIsNotShownMoreAndNotClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	handle(w, commands.CreateChannel{ChannelID: channel, Name: "lobby", Type: "GROUP"})
	slow := w.member(channel)
	said := events.Chunk{MessageID: uuid.New(), ChannelID: channel, Text: strings.Repeat("x", 8<<10)}
	begun := time.Now()
	const shown = 5000 // some 40 MB, five times what would close it
	for i := range shown {
		said.Index = i
		w.hub.Stream(said)
	}
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("showing took %s", took)
	}
	handle(w, commands.SubmitMessage{MessageID: uuid.New(), ChannelID: channel, AuthorID: ann, Content: "said"})
	n := 0
	for strings.HasPrefix(slow.read(), `42["messageStreamChunk"`) {
		n++ // and behind them the message
	}
	if n == 0 || n >= shown {
		t.Errorf("%d chunks were shown", n)
	}
}

func TestAnAnswerIsAborted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel, agent, message := uuid.New(), uuid.New(), uuid.New()
	handle(w, commands.CreateAgent{AgentID: agent, Character: events.Character{Name: "Eliza"}})
	handle(w, commands.StartAgent{AgentID: agent})
	handle(w, commands.CreateChannel{ChannelID: channel, Name: "lobby", Type: "DM", Participants: []uuid.UUID{ann, agent}})
	handle(w, commands.SubmitMessage{MessageID: message, ChannelID: channel, AuthorID: ann, Content: "Hello?"})
	c := w.connect()
	abort := func(more map[string]any) heard {
		more["channelId"] = channel
		c.send("421" + jsonOf([]any{"abort", more}))
		return c.next("")
	}
	for _, wrong := range []map[string]any{{"messageId": "x"}, {"agentId": "x"}, {"messageId": uuid.New()}, {"messageId": message, "agentId": ann}} {
		c.send("421" + jsonOf([]any{"abort", map[string]any{"channelId": channel, "messageId": wrong["messageId"], "agentId": wrong["agentId"]}}))
		c.next("messageError")
		if got := c.next(""); got.data["error"] == nil {
			t.Errorf("%v is acknowledged with %s", wrong, got.text)
		}
	}
	c.send(`421["abort"]`)
	c.next("messageError")
	c.next("")
	if got := abort(map[string]any{"agentId": uuid.New()}); jsonOf(got.data["aborted"]) != "[]" {
		t.Errorf("acknowledged with %s", got.text)
	}
	got := abort(map[string]any{})
	want := `[{"agentId":"` + agent.String() + `","messageId":"` + message.String() + `","turnId":"` + events.TurnID(message, agent).String() + `"}]`
	if jsonOf(got.data["aborted"]) != want {
		t.Errorf("acknowledged with %s, want %s", got.text, want)
	}
	if got := abort(map[string]any{"messageId": message, "agentId": agent}); jsonOf(got.data["aborted"]) != "[]" {
		t.Errorf("acknowledged again with %s", got.text)
	}
}
