package socketio

import (
	"cmp"
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
	"annals/transport/socketio/carrier"
)

// broadcast is a message as those in its channel hear it. It has three forms (CONTRACT 5.2): what was sent over Socket.IO
// names its channel, what an agent said, here or elsewhere, tells what it thought, and everything else has neither.
type broadcast struct {
	ID              uuid.UUID       `json:"id"`
	SenderID        uuid.UUID       `json:"senderId"`
	SenderName      string          `json:"senderName"`
	Text            string          `json:"text"`
	ChannelID       *uuid.UUID      `json:"channelId,omitempty"`
	RoomID          uuid.UUID       `json:"roomId"`
	MessageServerID uuid.UUID       `json:"messageServerId"`
	ServerID        uuid.UUID       `json:"serverId"` // the same for clients of ElizaOS 1.2.0
	CreatedAt       int64           `json:"createdAt"`
	Source          string          `json:"source,omitempty"`
	Thought         json.RawMessage `json:"thought,omitempty"`
	Actions         json.RawMessage `json:"actions,omitempty"`
	Attachments     json.RawMessage `json:"attachments,omitempty"`
	ClientMessageID any             `json:"clientMessageId,omitempty"`
	// An action that is shown anew, under the same id, says when, and in what form.
	UpdatedAt  int64           `json:"updatedAt,omitempty"`
	RawMessage json.RawMessage `json:"rawMessage,omitempty"`
}

// broadcastOf is the fact of a submission in the form of the way that it came, which is seen in what was kept of it.
func broadcastOf(e events.Recorded) broadcast {
	m := e.Event.(events.MessageSubmitted)
	b := broadcast{
		ID: m.MessageID, SenderID: m.AuthorID, SenderName: m.AuthorName, Text: m.Content, RoomID: m.ChannelID,
		MessageServerID: m.ServerID, ServerID: m.ServerID, CreatedAt: e.Meta.At.UnixMilli(), Source: m.SourceType,
	}
	if b.SenderName == "" {
		b.SenderName = "User"
		if m.ByAgent || m.Submitted {
			b.SenderName = "Agent"
		}
	}
	var metadata struct {
		SocketID    json.RawMessage `json:"socket_id"`
		Attachments json.RawMessage `json:"attachments"`
	}
	var raw struct{ Thought, Actions json.RawMessage }
	_ = json.Unmarshal(m.Metadata, &metadata) // free JSON, which need not be an object
	switch {
	case metadata.SocketID != nil:
		b.ChannelID, b.Attachments = &m.ChannelID, present(metadata.Attachments)
	case m.ByAgent || m.Submitted:
		_ = json.Unmarshal(m.RawMessage, &raw)
		b.Thought, b.Actions, b.Attachments = present(raw.Thought), present(raw.Actions), present(metadata.Attachments)
		if m.SourceType == "agent_action" {
			b.UpdatedAt, b.RawMessage = b.CreatedAt, m.RawMessage
		}
	}
	return b
}

// actionOf is the message by which an agent shows what it is doing, as it is from now on.
func actionOf(e events.Recorded, m events.MessageEdited) broadcast {
	said := e
	said.Meta.At = m.SaidAt
	said.Event = events.MessageSubmitted{
		MessageID: m.MessageID, ChannelID: m.ChannelID, ServerID: m.ServerID, AuthorID: m.AuthorID, AuthorName: m.AuthorName, Content: m.Content,
		RawMessage: m.RawMessage, Metadata: m.Metadata, SourceType: m.SourceType, InReplyTo: m.InReplyTo, ByAgent: true,
	}
	b := broadcastOf(said)
	b.UpdatedAt, b.RawMessage = e.Meta.At.UnixMilli(), m.RawMessage
	return b
}

// present is a value, nil for null.
func present(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

type completion struct {
	ChannelID       uuid.UUID `json:"channelId"`
	MessageServerID uuid.UUID `json:"messageServerId"`
	ServerID        uuid.UUID `json:"serverId"`
}

func completionIn(channel, server uuid.UUID) completion { return completion{channel, server, server} }

// failure tells why an agent did not answer a message.
type failure struct {
	Error     string    `json:"error"`
	ChannelID uuid.UUID `json:"channelId"`
	RoomID    uuid.UUID `json:"roomId"`
	AgentID   uuid.UUID `json:"agentId"`
	MessageID uuid.UUID `json:"messageId"`
}

// streamFailure tells that no message follows the chunks of an answer.
type streamFailure struct {
	MessageID uuid.UUID `json:"messageId"` // that of the chunks
	ChannelID uuid.UUID `json:"channelId"`
	AgentID   uuid.UUID `json:"agentId"`
	Error     string    `json:"error"`
}

// unanswered says why no answer follows, where the turn does not.
var unanswered = map[string]string{events.TurnFailed: "the agent could not answer", events.TurnCutOff: "the answer was aborted"}

type deletion struct {
	MessageID uuid.UUID `json:"messageId"`
	ChannelID uuid.UUID `json:"channelId"`
}

type ofChannel struct {
	ChannelID uuid.UUID `json:"channelId"`
}

type update struct {
	ChannelID uuid.UUID       `json:"channelId"`
	Updates   queries.Channel `json:"updates"`
}

// Publish tells those who joined a channel what has become readable in it. Batches come in order, one after the other. It
// waits for nobody, neither clients nor the database.
func (h *Hub) Publish(facts []events.Recorded) {
	out := outbox{frames: map[*connection][]carrier.Frame{}}
	defer out.send()
	for _, fact := range facts {
		switch f := fact.Event.(type) {
		case events.MessageSubmitted:
			h.submitted(&out, fact, f)
		case events.MessageEdited:
			if f.Action {
				h.broadcast(&out, f.ChannelID, "messageBroadcast", actionOf(fact, f))
			}
		case events.MessageDeleted:
			h.broadcast(&out, f.ChannelID, "messageDeleted", deletion{f.MessageID, f.ChannelID})
		case events.TurnCompleted:
			if f.Outcome == events.TurnFailed {
				h.broadcast(&out, f.ChannelID, "messageError", failure{
					"[SocketIO] An agent could not answer: " + cmp.Or(f.Reason, "it failed"), f.ChannelID, f.ChannelID, f.AgentID, f.MessageID,
				})
			}
			if unanswered[f.Outcome] != "" {
				h.broadcast(&out, f.ChannelID, "messageStreamError", streamFailure{
					events.ReplyID(f.MessageID, f.AgentID), f.ChannelID, f.AgentID, cmp.Or(f.Reason, unanswered[f.Outcome]),
				})
			}
			h.broadcast(&out, f.ChannelID, "messageComplete", completionIn(f.ChannelID, f.ServerID))
		case events.ChannelUpdated:
			if len(h.members(f.ChannelID.String())) > 0 {
				h.updates.add(f.ChannelID)
			}
		case events.ChannelCleared:
			h.broadcast(&out, f.ChannelID, "channelCleared", ofChannel{f.ChannelID})
		case events.ChannelDeleted:
			h.broadcast(&out, f.ChannelID, "channelDeleted", ofChannel{f.ChannelID})
		}
	}
}

// outbox holds what a batch has for each client, so that it goes out together, in its order.
type outbox struct {
	clients []*connection
	frames  map[*connection][]carrier.Frame
}

func (o *outbox) put(c *connection, f carrier.Frame) {
	if len(o.frames[c]) == 0 {
		o.clients = append(o.clients, c)
	}
	o.frames[c] = append(o.frames[c], f)
}

func (o *outbox) send() {
	for _, c := range o.clients {
		c.Write(o.frames[c]...)
		o.frames[c] = o.frames[c][:0]
	}
	o.clients = o.clients[:0]
}

func (h *Hub) broadcast(out *outbox, channel uuid.UUID, event string, payload any) {
	members := h.members(channel.String())
	if len(members) == 0 {
		return
	}
	f := h.frame(event, payload)
	for _, c := range members {
		out.put(c, f)
	}
}

// submitted tells the others, and then the sender. A message that comes after the end of its channel is told to its sender alone.
func (h *Hub) submitted(out *outbox, e events.Recorded, m events.MessageSubmitted) {
	senders, members := h.senders(m.MessageID, m.Content), h.members(m.ChannelID.String())
	if h.Env.States.KnownDead(m.ChannelID, e.Position) {
		members = nil
	}
	if len(senders)+len(members) == 0 {
		return
	}
	b := broadcastOf(e)
	f := h.frame("messageBroadcast", b)
	for _, c := range members {
		if !sentBy(senders, c) {
			out.put(c, f)
		}
	}
	if len(senders) > 0 {
		out.send() // before the sender, who says the next thing when it hears of this one
	}
	for _, s := range senders {
		h.tellSender(s, b, m)
	}
}

func sentBy(senders []*sending, c *connection) bool {
	for _, s := range senders {
		if s.event.connection == c {
			return true
		}
	}
	return false
}
