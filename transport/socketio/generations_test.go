package socketio

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/events"
)

// today connects as clients of ElizaOS 1.7.2 do.
func (w *world) today(entity string) *client {
	w.t.Helper()
	c := w.open()
	c.send(`40{"entityId":"` + entity + `"}`)
	c.read() // connected
	if d := c.next("authenticated").data; d["entityId"] != entity || d["timestamp"].(float64) < 1e12 {
		w.t.Errorf("%s is authenticated as %v", entity, d)
	}
	c.sid, _ = c.next("connection_established").data["socketId"].(string)
	return c
}

func TestClientsOfBothGenerationsTalkInOneChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel, bob := uuid.New(), "BBBBBBBB-2222-4222-8222-222222222222"
	old, today := w.member(channel), w.today(bob)
	today.join(channel)
	said := func(from, to *client, payload map[string]any) {
		t.Helper()
		from.emit("message", map[string]any{"type": 2, "payload": payload})
		mine, theirs := from.next("messageBroadcast").data, to.next("messageBroadcast").data
		from.next("messageAck")
		from.next("messageComplete") // no agent is there
		if mine["id"] != theirs["id"] || theirs["text"] != payload["message"] || theirs["senderId"] != strings.ToLower(payload["senderId"].(string)) {
			t.Errorf("%v was heard as %v", mine, theirs)
		}
		for _, heard := range []map[string]any{mine, theirs} {
			if heard["serverId"] != events.DefaultServer.String() || heard["messageServerId"] != events.DefaultServer.String() {
				t.Errorf("the server of %v", heard)
			}
		}
	}
	said(old, today, map[string]any{"channelId": channel, "serverId": events.DefaultServer, "senderId": ann.String(), "message": "from 1.2.0"})
	said(today, old, map[string]any{"channelId": channel, "messageServerId": events.DefaultServer, "senderId": bob, "message": "from 1.7.2"})
	own := uuid.NewString()
	said(today, old, map[string]any{"channelId": channel, "messageServerId": "0", "senderId": bob, "message": "under its own id", "messageId": own})
	id := events.Derive(channel, strings.ToLower(bob), own)
	for e, err := range w.log.Read(t.Context(), events.MessageStream(id), events.Forwards) {
		if must(t, err); e.Event.(events.MessageSubmitted).SourceID != own {
			t.Errorf("recorded is %+v", e.Event)
		}
	}
	said(today, old, map[string]any{"channelId": channel, "message_server_id": "0", "serverId": uuid.New(), "senderId": bob, "message": "the newer name counts"})
}

func TestWhatAMessageLacksIsSaidInTheWordsOfTheClientsGeneration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for server, c := range map[string]*client{"serverId (server_id)": w.connect(), "messageServerId (message_server_id)": w.today(ann.String())} {
		c.emit("2", map[string]any{"channelId": uuid.New(), "senderId": ann, "message": "of no server"})
		if d := c.next("messageError").data; d["error"] != "For SEND_MESSAGE: channelId, "+server+", senderId (author_id), and message are required." {
			t.Errorf("told of %v", d)
		}
	}
}

func TestAClientWhoseEntityIsNoUUIDIsTakenForOneWithout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, auth := range []string{"", "{}", `{"entityId":"nope"}`, `{"entityId":5}`, `{"entityId":null}`} {
		c := w.open()
		c.send("40" + auth)
		c.read() // connected
		c.next("connection_established")
	}
}

func TestTheKeyOfAClientThatIntroducesItselfIsAskedForFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, keyed)
	c := w.open()
	c.send(`40{"entityId":"` + ann.String() + `"}`)
	c.read() // connected
	c.next("unauthorized")
	c.ended()
	c = w.open()
	c.send(`40{"entityId":"` + ann.String() + `","apiKey":"` + key + `"}`)
	c.read() // connected
	c.next("authenticated")
	c.next("connection_established")
}
