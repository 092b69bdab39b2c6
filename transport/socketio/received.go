package socketio

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/zishang520/socket.io/servers/socket/v3"

	"annals/events"
	"annals/transport/socketio/carrier"
)

const (
	// timeLimit bounds what is done for one event of a client.
	timeLimit = 30 * time.Second
	// maxName bounds the name of a channel that is no UUID.
	maxName = 256
)

// Types of messages, and the names of the events that are the same.
const (
	typeJoin = "1"
	typeSend = "2"
)

// received deals with an event. The library calls it for one event of a client after the other.
func (c *connection) received(args ...any) {
	if !c.hub.begin() {
		return
	}
	defer c.hub.dealing.Done()
	defer func() {
		if p := recover(); p != nil {
			c.hub.Logger.Error("an event of a client panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(c.hub.ctx, timeLimit)
	defer cancel()
	e := &event{connection: c, name: text(args[0])}
	if ack, ok := args[len(args)-1].(socket.Ack); ok {
		e.ack, args = ack, args[:len(args)-1]
	}
	if len(args) > 1 {
		e.payload = args[1]
	}
	e.deal(ctx)
}

// event is what a client has sent. Each is answered by one of acknowledge and refuse.
type event struct {
	*connection
	name    string
	payload any
	ack     socket.Ack // nil where the client wants none
}

func (e *event) acknowledge(payload any) {
	if e.ack != nil {
		e.Acknowledge(e.ack, payload)
	}
}

type refusal struct {
	Error string `json:"error"`
}

// refuse says what the recorded server would not, in most cases: it drops what it cannot make sense of.
func (e *event) refuse(format string, args ...any) {
	r := refusal{fmt.Sprintf(format, args...)}
	e.tell("messageError", r)
	e.acknowledge(r)
}

func (e *event) deal(ctx context.Context) {
	switch e.name {
	case "message":
		m, _ := e.payload.(map[string]any)
		kind, ok := m["type"].(float64)
		if !ok {
			e.refuse("A message is an object with a numeric type and a payload.")
			return
		}
		e.payload = m["payload"]
		e.dealTyped(ctx, digits(kind))
	case typeJoin, typeSend:
		e.dealTyped(ctx, e.name)
	case "abort":
		e.abort(ctx)
	case "subscribe_logs":
		e.subscribeLogs(ctx)
	case "unsubscribe_logs":
		e.unsubscribeLogs(ctx)
	case "update_log_filters":
		e.filterLogs(ctx)
	case carrier.Binary:
		e.refuse("Binary attachments are not taken: upload them over REST.")
	default:
		e.refuse("Unknown event %.60q.", e.name)
	}
}

func (e *event) dealTyped(ctx context.Context, kind string) {
	p, _ := e.payload.(map[string]any) // what is no object lacks everything
	switch kind {
	case typeJoin:
		e.joinChannel(p)
	case typeSend:
		e.send(ctx, p)
	default:
		e.refuse("Unknown type of message: %.60s.", kind)
	}
}

// joined names what was joined as the client did: a number stays one, only a UUID is in lower case.
type joined struct {
	Message   string `json:"message"`
	ChannelID any    `json:"channelId"`
	RoomID    any    `json:"roomId"`
	AgentID   any    `json:"agentId,omitempty"`
}

// joinChannel lets the client hear a channel, whether or not there is one yet.
func (e *event) joinChannel(p map[string]any) {
	channel := roomName(first(p, "channelId", "roomId"))
	switch {
	case channel == "":
		e.refuse("channelId is required for joining.")
		return
	case len(channel) > maxName:
		e.refuse("The channelId is longer than %d bytes.", maxName)
		return
	case !e.hub.join(e.connection, channel):
		e.refuse("No more than %d channels can be joined.", maxRooms)
		return
	}
	id := asSent(channel, p["channelId"], p["roomId"])
	answer := joined{
		Message:   fmt.Sprintf("Socket %s successfully joined channel %s.", e.socket.Id(), channel),
		ChannelID: id, RoomID: id,
	}
	if agent := p["agentId"]; text(agent) != "" {
		answer.AgentID = agent
	}
	e.tell("channel_joined", answer)
	e.tell("room_joined", answer)
	e.acknowledge(answer)
}

// asSent is the number that a client calls a channel by, or else the channel's name.
func asSent(channel string, sent ...any) any {
	i := slices.IndexFunc(sent, func(v any) bool { return text(v) != "" })
	if number, ok := sent[max(0, i)].(float64); ok {
		return number
	}
	return channel
}

// roomName is a channel's id as broadcasts name it: in lower case, if it is one.
func roomName(channel string) string {
	if id, err := events.ParseID(channel); err == nil {
		return id.String()
	}
	return channel
}

// text is a string or a number as text; everything else is none, and so is zero, as for the recorded server.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		if v == 0 {
			return ""
		}
		return digits(v)
	}
	return ""
}

func digits(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// first is the text under the first of the keys that holds one.
func first(p map[string]any, keys ...string) string {
	for _, key := range keys {
		if s := text(p[key]); s != "" {
			return s
		}
	}
	return ""
}
