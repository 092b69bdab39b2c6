package socketio

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

func TestTheSenderHearsItsCopyAndThatItWasTakenAndTheOthersHearTheMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	a, b := w.connect(), w.member(channel) // the sender need not have joined
	a.emit("message", map[string]any{"type": 2, "payload": map[string]any{
		"roomId": channel, "serverId": events.DefaultServer, "senderId": strings.ToUpper(ann.String()), "senderName": "Ann",
		"message": "hello", "messageId": "m-1", "source": "client_chat", "attachments": []any{map[string]any{"id": "x"}},
		"metadata": map[string]any{"isDm": true}, "targetUserId": uuid.New(),
	}})
	mine, ack := a.next("messageBroadcast").data, a.next("messageAck").data
	theirs := b.next("messageBroadcast").data

	id := events.Derive(channel, ann.String(), a.sid, "m-1").String()
	if mine["clientMessageId"] != "m-1" || ack["clientMessageId"] != "m-1" || ack["messageId"] != id || mine["id"] != id ||
		ack["status"] != "received_by_server_and_processing" || ack["channelId"] != channel.String() || ack["roomId"] != channel.String() {
		t.Errorf("the sender heard %v and %v", mine, ack)
	}
	if delete(mine, "clientMessageId"); jsonOf(mine) != jsonOf(theirs) {
		t.Errorf("the others heard %v", theirs)
	}
	for field, want := range map[string]any{
		"senderId": ann.String(), "senderName": "Ann", "text": "hello", "channelId": channel.String(), "roomId": channel.String(),
		"serverId": events.DefaultServer.String(), "messageServerId": events.DefaultServer.String(), "source": "client_chat",
	} {
		if theirs[field] != want {
			t.Errorf("%s is %v, not %v", field, theirs[field], want)
		}
	}
	if jsonOf(theirs["attachments"]) != `[{"id":"x"}]` {
		t.Errorf("the attachments are %v", theirs["attachments"])
	}
	made, err := w.env.States.Channel(t.Context(), channel)
	must(t, err)
	var metadata map[string]any
	all := events.ChannelCreated{Metadata: made.Metadata, Opening: made.Opening}.AllMetadata()
	must(t, json.Unmarshal(all, &metadata))
	if made.Type != "DM" || made.Name != "DM "+channel.String()[:8] || len(made.Participants) != 2 || metadata["created_by"] != "socketio_auto_creation" ||
		metadata["isDm"] != true || metadata["socket_id"] != nil {
		t.Errorf("the channel is %+v, %s", made, all)
	}
}

func TestATextMayBeAsLongAsOverREST(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	a, b := w.member(channel), w.member(channel)
	long := strings.Repeat("x", 650_000)
	a.emit("2", map[string]any{
		"channelId": channel, "serverId": "0", "senderId": ann, "message": long, "attachments": []string{"kept"},
	})
	for _, told := range []string{"messageBroadcast", "messageAck", "messageComplete"} {
		a.next(told)
	}
	if theirs := b.next("messageBroadcast").data; theirs["text"] != long || jsonOf(theirs["attachments"]) != `["kept"]` {
		t.Errorf("%d bytes, attachments %v", len(theirs["text"].(string)), theirs["attachments"])
	}
	a.say(channel, strings.Repeat("x", 700_000))
	if d := a.next("messageError").data; !strings.Contains(d["error"].(string), "too large") {
		t.Errorf("%v", d)
	}
	a.say(channel, "still here")
	a.next("messageBroadcast")
}

func TestTheSameMessageAgainIsToldToItsSenderAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	a, b := w.member(channel), w.member(channel)
	for range 2 {
		a.say(channel, "once", "messageId", "m-1")
		a.next("messageBroadcast")
		if ack := a.next("messageAck").data; ack["clientMessageId"] != "m-1" {
			t.Errorf("the acknowledgement is %v", ack)
		}
		a.next("messageComplete")
	}
	a.say(channel, "twice")
	if b.next("messageBroadcast").data["text"] != "once" || b.next("messageBroadcast").data["text"] != "twice" {
		t.Error("the others heard it again")
	}
}

func TestAClientHearsItsOwnIDForAMessageAsItWroteIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.connect()
	for _, id := range []any{"m-1", 77.0, 0.0, map[string]any{"a": 1.0}} {
		a.emit("message", map[string]any{"type": 2, "payload": map[string]any{
			"channelId": uuid.New(), "serverId": events.DefaultServer, "senderId": ann, "message": "hello", "messageId": id,
		}})
		if own, ack := a.next("messageBroadcast").data, a.next("messageAck").data; jsonOf(own["clientMessageId"]) != jsonOf(id) || jsonOf(ack["clientMessageId"]) != jsonOf(id) {
			t.Errorf("%v comes back as %v and %v", id, own["clientMessageId"], ack["clientMessageId"])
		}
	}
}

func TestThatNothingMoreComesIsToldToThoseWhoJoined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel, agent := uuid.New(), uuid.New()
	a, b := w.connect(), w.member(channel)
	said := func(c *client) {
		t.Helper()
		c.say(channel, "is anybody there?")
		c.next("messageBroadcast")
		c.next("messageAck")
	}
	said(a)
	b.next("messageBroadcast")
	said(b)
	b.next("messageComplete") // nobody is there to answer
	handle(w, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{TurnID: uuid.New(), AgentID: agent, ChannelID: channel, Outcome: events.TurnIgnored}})
	b.next("messageComplete")
	a.join(channel) // the next that it hears: neither of the two came
	said(a)
	a.next("messageComplete")
}

func TestThatATurnFailedIsToldWithItsReasonBeforeItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel, agent, message := uuid.New(), uuid.New(), uuid.New()
	a := w.member(channel)
	handle(w, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
		TurnID: uuid.New(), AgentID: agent, ChannelID: channel, MessageID: message, Outcome: events.TurnFailed, Reason: "the model refused",
	}})
	if d := a.next("messageError").data; !strings.Contains(d["error"].(string), "the model refused") || d["channelId"] != channel.String() ||
		d["agentId"] != agent.String() || d["messageId"] != message.String() {
		t.Errorf("told of %v", d)
	}
	failed := a.next("messageStreamError").data
	if failed["messageId"] != events.ReplyID(message, agent).String() || failed["agentId"] != agent.String() || failed["error"] != "the model refused" {
		t.Errorf("the chunks ended with %v", failed)
	}
	a.next("messageComplete")
}

func TestThatChunksOfAnAbortedAnswerAreFollowedByNoMessageIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel, agent, message := uuid.New(), uuid.New(), uuid.New()
	a := w.member(channel)
	handle(w, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
		TurnID: uuid.New(), AgentID: agent, ChannelID: channel, MessageID: message, Outcome: events.TurnCutOff,
	}})
	if d := a.next("messageStreamError").data; d["messageId"] != events.ReplyID(message, agent).String() || d["error"] != "the answer was aborted" {
		t.Errorf("told of %v", d)
	}
	a.next("messageComplete")
}

func TestAMessageThatCannotBeReadYetIsAcknowledgedAndBroadcastLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	a := w.member(channel)
	w.hold(true)
	a.say(channel, "late", "messageId", "m-1")
	a.next("messageAck")
	w.hold(false)
	if own := a.next("messageBroadcast").data; own["clientMessageId"] != "m-1" {
		t.Errorf("the sender heard %v", own)
	}
	a.next("messageComplete")
}

func TestWhatOthersRecordIsBroadcastInTheFormOfTheWayItCame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel, message, agent := uuid.New(), uuid.New(), uuid.New()
	handle(w, commands.CreateChannel{ChannelID: channel, Name: "before", Type: "GROUP"})
	a := w.member(channel)

	rest := commands.SubmitMessage{
		MessageID: message, ChannelID: channel, AuthorID: ann, Content: "over REST", SourceType: "eliza_gui",
		RawMessage: json.RawMessage(`{"thought":"x"}`), Metadata: json.RawMessage(`{"attachments":[{"id":"a"}]}`),
	}
	handle(w, rest)
	b := a.next("messageBroadcast").data
	if b["channelId"] != nil || b["attachments"] != nil || b["thought"] != nil || b["senderName"] != "User" || b["id"] != message.String() {
		t.Errorf("a message over REST is broadcast as %v", b)
	}
	handle(w, commands.CreateAgent{AgentID: agent, Character: events.Character{Name: "Eliza"}})
	handle(w, commands.SubmitMessage{
		MessageID: uuid.New(), ChannelID: channel, AuthorID: agent, Content: "an answer", SourceType: "agent_response",
		RawMessage: json.RawMessage(`{"thought":"","actions":["REPLY"]}`), Metadata: json.RawMessage(`{"attachments":[{"id":"b"}]}`),
	})
	b = a.next("messageBroadcast").data
	if b["thought"] != "" || jsonOf(b["actions"]) != `["REPLY"]` || jsonOf(b["attachments"]) != `[{"id":"b"}]` || b["senderName"] != "Agent" || b["channelId"] != nil {
		t.Errorf("an answer is broadcast as %v", b)
	}

	handle(w, commands.SubmitMessage{ // from an agent that this server does not know
		MessageID: uuid.New(), ChannelID: channel, AuthorID: ann, Content: "an answer", SourceType: "agent_response", Submitted: true,
		RawMessage: json.RawMessage(`{"thought":"hm","actions":["REPLY"]}`), Metadata: json.RawMessage(`{"attachments":[{"id":"b"}]}`),
	})
	b = a.next("messageBroadcast").data
	if b["thought"] != "hm" || jsonOf(b["actions"]) != `["REPLY"]` || jsonOf(b["attachments"]) != `[{"id":"b"}]` || b["senderName"] != "Agent" || b["channelId"] != nil {
		t.Errorf("an answer from elsewhere is broadcast as %v", b)
	}

	handle(w, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{TurnID: uuid.New(), ChannelID: channel, Outcome: events.TurnClosed}})
	if d := a.next("messageComplete").data; d["channelId"] != channel.String() || d["serverId"] != events.DefaultServer.String() {
		t.Errorf("completed is %v", d)
	}
	handle(w, commands.DeleteMessage{MessageID: message, ChannelID: channel})
	if d := a.next("messageDeleted").data; d["messageId"] != message.String() || d["channelId"] != channel.String() {
		t.Errorf("deleted is %v", d)
	}
	name := "after"
	handle(w, commands.UpdateChannel{ChannelID: channel, Name: &name})
	if d := a.next("channelUpdated").data; d["channelId"] != channel.String() || d["updates"].(map[string]any)["name"] != "after" {
		t.Errorf("updated is %v", d)
	}
	handle(w, commands.UpdateChannel{ChannelID: channel, Participants: &[]uuid.UUID{ann}})
	if d := a.next("channelUpdated").data; d["updates"].(map[string]any)["name"] != "after" {
		t.Errorf("updated is %v", d)
	}
	handle(w, commands.ClearChannel{ChannelID: channel})
	a.next("channelCleared")
	handle(w, commands.DeleteChannel{ChannelID: channel})
	if d := a.next("channelDeleted").data; d["channelId"] != channel.String() {
		t.Errorf("the deleted channel is %v", d)
	}
}

// Another node admitted the messages before it heard of the deletion.
func TestAMessageAfterTheEndOfItsChannelIsNotBroadcast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel, other := uuid.New(), uuid.New()
	record := func(s events.StreamID, fact events.Event) { w.log.Record(s, time.Now(), fact) }
	record(events.ChannelStream(channel), events.ChannelCreated{ChannelID: channel})
	a := w.member(channel)
	a.join(other)
	say := func(channel uuid.UUID, text string) {
		id := uuid.New()
		record(events.MessageStream(id), events.MessageSubmitted{MessageID: id, ChannelID: channel, AuthorID: ann, Content: text})
	}
	hears := func(text string) {
		t.Helper()
		if heard := a.next("messageBroadcast").data["text"]; heard != text {
			t.Errorf("%v is broadcast, not %s", heard, text)
		}
	}
	say(channel, "alive")
	hears("alive")
	record(events.ChannelStream(channel), events.ChannelDeleted{ChannelID: channel})
	a.next("channelDeleted")
	say(channel, "dead")
	record(events.ChannelStream(channel), events.ChannelCreated{ChannelID: channel})
	say(channel, "alive again")
	hears("alive again")
	record(events.ChannelStream(other), events.ChannelDeleted{ChannelID: other}) // which this node has never looked at
	a.next("channelDeleted")
	say(other, "dead")
	say(channel, "the last")
	hears("the last")
}

func TestAcknowledgementsAreCalledWithWhatIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	channel := uuid.New()
	a := w.connect()
	acknowledged := func(id, event string, payload any) map[string]any {
		a.send("42" + id + jsonOf([]any{event, payload}))
		for {
			text := a.read()
			if strings.HasPrefix(text, "43"+id+"[") {
				var list []map[string]any
				must(t, json.Unmarshal([]byte(text[2+len(id):]), &list))
				return list[0]
			}
		}
	}
	if d := acknowledged("7", "1", map[string]any{"channelId": channel, "agentId": "x"}); d["channelId"] != channel.String() || d["agentId"] != "x" ||
		d["message"] != "Socket "+a.sid+" successfully joined channel "+channel.String()+"." {
		t.Errorf("joining is acknowledged with %v", d)
	}
	said := map[string]any{"channelId": channel, "serverId": "0", "senderId": ann, "message": 42}
	if d := acknowledged("8", "2", said); d["status"] == nil || d["messageId"] == nil {
		t.Errorf("saying is acknowledged with %v", d)
	}
	if d := acknowledged("9", "2", nil); d["error"] == nil {
		t.Errorf("a refusal is acknowledged with %v", d)
	}
	if d := acknowledged("10", "subscribe_logs", nil); d["subscribed"] != true {
		t.Errorf("watching the log is acknowledged with %v", d)
	}
}

func TestTheLogIsStreamedAsTheFilterSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.connect()
	filter := func(f map[string]any) map[string]any {
		a.emit("update_log_filters", f)
		h := heard{}
		for h.name != "log_filters_updated" {
			h = heard{}
			list := []any{&h.name, &h.data}
			must(t, json.Unmarshal([]byte(a.read()[2:]), &list))
		}
		return h.data
	}
	if d := filter(nil); d["success"] != false || d["error"] != "Not subscribed to log stream" {
		t.Errorf("without a subscription: %v", d)
	}
	a.send(`42["subscribe_logs"]`)
	line := a.next("log_stream").data
	if line["type"] != "log_entry" || line["payload"].(map[string]any)["level"] != 30.0 {
		t.Errorf("the first line is %v", line)
	}
	a.next("log_subscription_confirmed")
	if d := filter(map[string]any{"level": "warn"}); jsonOf(d) != `{"filters":{"level":"warn"},"success":true}` {
		t.Errorf("the filter is %v", d)
	}
	w.hub.Logger.Info("unheard")
	w.hub.Logger.Warn("heard")
	if d := a.next("log_stream").data["payload"].(map[string]any); d["msg"] != "heard" {
		t.Errorf("streamed is %v", d)
	}
	filter(map[string]any{"level": "all", "agentName": "Eliza"})
	w.hub.Logger.Error("unheard")
	w.hub.Logger.Debug("unheard")
	w.hub.Logger.Info("of Eliza", "agentName", "Eliza")
	if d := a.next("log_stream").data["payload"].(map[string]any); d["msg"] != "of Eliza" {
		t.Errorf("streamed is %v", d)
	}
	if d := filter(map[string]any{"level": nil, "since": 5}); jsonOf(d["filters"]) != `{"agentName":"Eliza","level":null,"since":5}` {
		t.Errorf("what else is named comes back, and null lifts a filter: %v", d)
	}
	filter(map[string]any{"level": "bogus", "agentName": "all"})
	w.hub.Logger.Error("unheard")
	a.send(`42["unsubscribe_logs"]`)
	if d := a.next("log_subscription_confirmed").data; d["subscribed"] != false {
		t.Errorf("confirmed is %v", d)
	}
}

func TestOnlyWhoHasTheKeyIsHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, keyed)
	for auth, reason := range map[string]string{
		"": "missing", `{"apiKey":"wrong"}`: "wrong", `{"apiKey":7}`: "missing", `{"apiKey":"wrong","token":""}`: "wrong", `{"key":""}`: "missing",
	} {
		c := w.open()
		c.send("40" + auth)
		c.read() // connected
		c.send(`42["1",{"channelId":"x"}]`)
		if told := c.next("unauthorized").text; told != `42["unauthorized","`+reason+`"]` {
			t.Errorf("%s: %q", auth, told)
		}
		c.ended()
	}
	c := w.open()
	c.send(`40{"apiKey":"` + key + `"}`)
	c.read()
	c.next("connection_established")
	channel := uuid.New()
	c.say(channel, "with a key")
	id := uuid.MustParse(c.next("messageBroadcast").data["id"].(string))
	for e, err := range w.log.Read(context.Background(), events.MessageStream(id), events.Forwards) {
		if must(t, err); e.Meta.Actor != "key:default" {
			t.Errorf("the actor is %s", e.Meta.Actor)
		}
	}
}
