package socketio

import (
	"testing"

	"github.com/google/uuid"

	"annals/events"
)

func TestWhatIsJoinedIsNamedAsTheClientNamedIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.connect()
	for sent, want := range map[string]string{
		`{"channelId":42}`:                                     `{"channelId":42,"roomId":42}`,
		`{"channelId":"","roomId":7,"agentId":42}`:             `{"agentId":42,"channelId":7,"roomId":7}`,
		`{"channelId":"42","roomId":42,"agentId":null}`:        `{"channelId":"42","roomId":"42"}`,
		`{"channelId":"a room","roomId":"other","agentId":""}`: `{"channelId":"a room","roomId":"a room"}`,
	} {
		a.send(`42["1",` + sent + `]`)
		for _, event := range []string{"channel_joined", "room_joined"} {
			got := a.next(event).data
			delete(got, "message")
			if jsonOf(got) != want {
				t.Errorf("%s: %s says %s", sent, event, jsonOf(got))
			}
		}
	}
}

func TestOnlyTheAttachmentsOfAMessageItselfAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	a := w.connect()
	a.emit("2", map[string]any{
		"channelId": channel, "serverId": events.DefaultServer, "senderId": ann, "message": "look",
		"metadata": map[string]any{"attachments": []any{"elsewhere"}},
	})
	if d := a.next("messageBroadcast").data; d["attachments"] != nil {
		t.Errorf("broadcast is %v", d)
	}
}

func TestAnIDOfTheClientsOwnStandsForOneTextOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	a, b := w.connect(), w.member(channel)
	says := func(text string) {
		a.emit("2", map[string]any{"channelId": channel, "serverId": events.DefaultServer, "senderId": ann, "message": text, "messageId": "m-1"})
	}
	says("first")
	first := a.next("messageBroadcast").data
	a.next("messageAck")
	a.next("messageComplete")
	says("first")
	if again := a.next("messageBroadcast").data; jsonOf(again) != jsonOf(first) {
		t.Errorf("told of the same again: %v", again)
	}
	a.next("messageAck")
	a.next("messageComplete")
	says("second")
	if d := a.next("messageError").data; d["error"] != `[SocketIO] Error processing your message: another one has the messageId "m-1" already.` {
		t.Errorf("told of another text: %v", d)
	}
	b.next("messageBroadcast")
	a.emit("2", map[string]any{"channelId": channel, "serverId": events.DefaultServer, "senderId": ann, "message": "third"})
	if d := b.next("messageBroadcast").data; d["text"] != "third" {
		t.Errorf("the others heard %v", d)
	}
}
