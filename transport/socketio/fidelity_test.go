package socketio

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"annals/events"
	"annals/transport/eliza"
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

func TestAMessageIDOfTheClientsOwnSwallowsNoText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel, named := uuid.New(), uuid.New()
	b := w.member(channel)
	seen := map[string]string{} // texts by the ids of their messages
	says := func(c *client, own any, text string, isNew bool) {
		t.Helper()
		c.emit("2", map[string]any{"channelId": channel, "serverId": events.DefaultServer, "senderId": ann, "message": text, "messageId": own})
		said, ack := c.next("messageBroadcast").data, c.next("messageAck").data
		id := said["id"].(string)
		if said["text"] != text || jsonOf(said["clientMessageId"]) != jsonOf(own) || ack["messageId"] != id || jsonOf(ack["clientMessageId"]) != jsonOf(own) {
			t.Errorf("%q as %v is told as %v, %v", text, own, said, ack)
		}
		if was, ok := seen[id]; ok == isNew || ok && was != text {
			t.Errorf("%q as %v is the message %s, which says %q", text, own, id, was)
		}
		if seen[id] = text; isNew {
			if theirs := b.next("messageBroadcast").data; theirs["text"] != text || theirs["id"] != id {
				t.Errorf("the others hear %v", theirs)
			}
		}
	}
	a, again := w.connect(), w.connect() // the second numbers its messages anew
	for _, c := range []*client{a, again} {
		for _, own := range []any{"m0", 7.0, strings.ToUpper(uuid.NewString())} {
			says(c, own, "first", true)
			says(c, own, "first", false)
			says(c, own, "second", true)
			says(c, own, "second", false)
			says(c, own, "first", false)
		}
	}
	says(a, named, "for ever", true)
	says(again, strings.ToUpper(named.String()), "for ever", false)
	for i := range 3 * eliza.SameID { // however many
		says(a, "m1", strconv.Itoa(i), true)
	}
}

// The recorded server tells of numbers as such until they are read again, from when on they are text. Here they are text at once.
func TestANumberIsTextAndStaysANumberInWhatWasSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	a := w.connect()
	sent := map[string]any{"channelId": channel, "serverId": events.DefaultServer, "senderId": ann, "message": 12, "senderName": 5, "source": 9}
	a.emit("2", sent)
	d := a.next("messageBroadcast").data
	if d["text"] != "12" || d["senderName"] != "5" || d["source"] != "9" {
		t.Errorf("told of %v", d)
	}
	for e, err := range w.log.Read(t.Context(), events.MessageStream(uuid.MustParse(d["id"].(string))), events.Forwards) {
		must(t, err)
		m := e.Event.(events.MessageSubmitted)
		var metadata map[string]any
		must(t, json.Unmarshal(m.Metadata, &metadata))
		if m.AuthorName != "5" || metadata["user_display_name"] != 5.0 || jsonOf(m.RawMessage) != jsonOf(sent) {
			t.Errorf("%s said %s in %s", m.AuthorName, m.RawMessage, m.Metadata)
		}
	}
}

func TestAChannelIsOfTwoWhereTheClientSaysSoInAnyWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.connect()
	for says, kind := range map[string]string{
		`{"isDm":true}`: "DM", `{"isDm":"yes"}`: "DM", `{"isDm":1}`: "DM", `{"channelType":"DM"}`: "DM",
		`{"isDm":false}`: "GROUP", `{"isDm":0}`: "GROUP", `{"isDm":""}`: "GROUP", `{"isDm":null}`: "GROUP", `{}`: "GROUP",
	} {
		channel := uuid.New()
		a.emit("2", map[string]any{
			"channelId": channel, "serverId": events.DefaultServer, "senderId": ann, "message": "x", "metadata": json.RawMessage(says),
		})
		a.next("messageBroadcast")
		a.next("messageAck")
		if c, err := w.env.States.Channel(t.Context(), channel); err != nil || c.Type != kind {
			t.Errorf("%s made a channel of type %s, %v", says, c.Type, err)
		}
	}
}
