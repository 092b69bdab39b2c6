package socketio

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/eliza"
	"annals/transport/problem"
)

// core is the group of projections that messages are read from, readable how long a client waits for it to hear that its
// message was taken.
const (
	core     = "core"
	readable = 2 * time.Second
)

const incomplete = "For SEND_MESSAGE: channelId, serverId (server_id), senderId (author_id), and message are required."

// sending is a message on its way to being readable. Its sender hears of it apart from the others.
type sending struct {
	event    *event
	clientID any         // the client's own id for it, as it wrote it
	ack      messageAck  // what the sender is told behind its copy
	late     *time.Timer // tells it although nothing can be read yet
	told     bool        // guarded by the hub's lock
}

type messageAck struct {
	ClientMessageID any       `json:"clientMessageId,omitempty"`
	MessageID       uuid.UUID `json:"messageId"`
	Status          string    `json:"status"`
	ChannelID       uuid.UUID `json:"channelId"`
	RoomID          uuid.UUID `json:"roomId"`
}

// send says something in a channel, which is made for it if there is none (CONTRACT 5.3).
func (e *event) send(ctx context.Context, p map[string]any) {
	id := e.hub.NewID()
	m, defaults, problem := e.message(id, p, p)
	if problem != "" {
		e.refuse("%s", problem)
		return
	}
	server, err := e.hub.Env.States.Server(ctx, m.ServerID)
	if err == nil && !server.Exists {
		e.refuse("Server %s does not exist", m.ServerID)
		return
	}
	s := &sending{event: e, clientID: p["messageId"], ack: messageAck{
		ClientMessageID: p["messageId"], MessageID: m.MessageID, Status: "received_by_server_and_processing",
		ChannelID: m.ChannelID, RoomID: m.ChannelID,
	}}
	if err == nil && !e.hub.expect(s, m.MessageID) {
		e.refuse("[SocketIO] Error processing your message: %d of your messages cannot be read yet. Try again.", maxSending)
		return
	}
	var result commands.Result
	if err == nil {
		request := e.request()
		result, err = commands.SubmitOpening(ctx, e.hub.Env, request, m, defaults)
		if errors.Is(err, events.ErrTooLarge) { // the text twice
			short := maps.Clone(p)
			delete(short, "message")
			m, defaults, _ = e.message(id, p, short)
			result, err = commands.SubmitOpening(ctx, e.hub.Env, request, m, defaults)
		}
	}
	if err != nil {
		e.hub.drop(s, m.MessageID)
		e.failed("saying something", err)
		return
	}
	if !result.Changed {
		e.repeat(ctx, s, m, result.Position)
	}
}

// message reads what a client wants to say; problem is what is wrong with it. It gets the id, unless the client gives one, and
// keeps what is to be kept as it came.
func (e *event) message(id uuid.UUID, p, kept map[string]any) (m commands.SubmitMessage, d commands.ChannelDefaults, problem string) {
	channel, badChannel := events.ParseID(first(p, "channelId", "roomId"))
	server, badServer := events.ParseServerID(first(p, "serverId", "server_id"))
	author, badAuthor := events.ParseID(first(p, "senderId", "author_id"))
	content := text(p["message"])
	if badChannel != nil || badServer != nil || badAuthor != nil || content == "" {
		return m, d, incomplete
	}
	said, _ := p["metadata"].(map[string]any)
	metadata := maps.Clone(said)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["socket_id"], metadata["serverId"] = string(e.socket.Id()), server
	if name, ok := p["senderName"]; ok {
		metadata["user_display_name"] = name
	}
	delete(metadata, "attachments") // those of the message itself count
	if p["attachments"] != nil {
		metadata["attachments"] = p["attachments"]
	}
	if own := text(p["messageId"]); own != "" {
		id = events.Derive(channel, author.String(), own)
	}
	rawMetadata := make(map[string]json.RawMessage, len(said))
	for key, value := range said {
		rawMetadata[key] = raw(value)
	}
	d = eliza.ChannelDefaults("socketio_auto_creation", rawMetadata)
	if d.Target == uuid.Nil {
		d.Target, _ = events.ParseID(text(p["targetUserId"])) // what is none is left out
	}
	return commands.SubmitMessage{
		MessageID: id, ChannelID: channel, ServerID: server, AuthorID: author, AuthorName: text(p["senderName"]), Content: content,
		RawMessage: raw(kept), Metadata: raw(metadata), SourceType: cmp.Or(text(p["source"]), "socketio_client"),
	}, d, ""
}

// raw is what came as JSON as such again.
func raw(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return text
}

func (e *event) request() commands.Request {
	id := e.hub.NewID()
	return commands.Request{
		ID: id, At: e.hub.Clock().UTC().Truncate(time.Millisecond), Actor: e.actor, Correlation: id, Causation: id,
	}
}

func (e *event) failed(what string, err error) {
	message, cause := problem.Explain(err)
	if cause != nil && !errors.Is(cause, context.Canceled) {
		e.hub.Logger.Error("an event over socket.io failed", "what", what, "error", cause)
	}
	e.refuse("[SocketIO] Error processing your message: %s", message)
}

// repeat tells the sender of a message that is there already what it would have heard the first time. Another text under
// the id of an earlier message is refused: it is not taken, and must not seem to be.
func (e *event) repeat(ctx context.Context, s *sending, m commands.SubmitMessage, at events.Position) {
	waiting, cancel := context.WithTimeout(ctx, readable)
	defer cancel()
	_ = e.hub.Waiter.Wait(waiting, core, at) // or long enough
	if !e.hub.drop(s, m.MessageID) {
		return // it was published meanwhile
	}
	var found *events.Recorded
	for r, err := range e.hub.Env.Store.Read(ctx, events.MessageStream(m.MessageID), events.Forwards) {
		if err != nil {
			e.failed("saying something", err)
			return
		}
		if _, ok := r.Event.(events.MessageSubmitted); ok {
			found = &r
		}
	}
	if found == nil {
		return
	}
	was := found.Event.(events.MessageSubmitted)
	if was.Content != m.Content {
		e.refuse("[SocketIO] Error processing your message: another one has the messageId %.60q already.", s.clientID)
		return
	}
	e.hub.tellSender(s, broadcastOf(*found), was)
}

// expect remembers who has to hear of a message. It is false when too many of the client's are on their way, or it is gone.
func (h *Hub) expect(s *sending, message uuid.UUID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := s.event.connection
	if c.left || len(c.sending) >= maxSending {
		return false
	}
	h.sending[message] = append(h.sending[message], s)
	c.sending[s] = message
	s.late = time.AfterFunc(readable, func() { h.acknowledge(s) })
	return true
}

// drop forgets a message, unless it was published meanwhile.
func (h *Hub) drop(s *sending, message uuid.UUID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := s.event.sending[s]; !ok {
		return false
	}
	h.forget(s, message)
	return true
}

// forget is called with the lock held.
func (h *Hub) forget(s *sending, message uuid.UUID) {
	s.late.Stop()
	delete(s.event.sending, s)
	h.sending[message] = slices.DeleteFunc(h.sending[message], func(other *sending) bool { return other == s })
	if len(h.sending[message]) == 0 {
		delete(h.sending, message)
	}
}

// senders are those who wait for a message that has become readable.
func (h *Hub) senders(message uuid.UUID) []*sending {
	h.mu.Lock()
	defer h.mu.Unlock()
	found := slices.Clone(h.sending[message])
	for _, s := range found {
		h.forget(s, message)
	}
	return found
}

// acknowledge tells the sender, once, that its message was taken.
func (h *Hub) acknowledge(s *sending) {
	h.mu.Lock()
	told := s.told
	s.told = true
	h.mu.Unlock()
	if !told {
		s.event.tell("messageAck", s.ack)
		s.event.acknowledge(s.ack)
	}
}

// tellSender sends its own copy, and behind it that the message was taken. Where nobody is there to answer, nothing more
// comes: clients keep their input locked until they hear of it.
func (h *Hub) tellSender(s *sending, b broadcast, m events.MessageSubmitted) {
	b.ClientMessageID = s.clientID
	s.event.tell("messageBroadcast", b)
	h.acknowledge(s)
	if len(m.Audience) == 0 {
		s.event.tell("messageComplete", completion{m.ChannelID, m.ServerID})
	}
}
