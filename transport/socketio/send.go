package socketio

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
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

// incomplete tells what a message needs, in the words of the client's generation.
func (c *connection) incomplete() string {
	server := "serverId (server_id)"
	if c.entity != "" {
		server = "messageServerId (message_server_id)"
	}
	return "For SEND_MESSAGE: channelId, " + server + ", senderId (author_id), and message are required."
}

// sending is a message on its way to being readable. Its sender hears of it apart from the others.
type sending struct {
	event    *event
	content  string
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

// send says something in a channel, which is made for it if there is none (CONTRACT 5.3). A messageId that the client has given
// to another text before names a message of its own here.
func (e *event) send(ctx context.Context, p map[string]any) {
	say, defaults, problem := e.message(p)
	if problem != "" {
		e.refuse("%s", problem)
		return
	}
	unnamed := say(uuid.Nil, nil)
	server, err := e.hub.Env.States.Server(ctx, unnamed.ServerID)
	switch {
	case err != nil:
		e.failed("saying something", err)
		return
	case !server.Exists:
		e.refuse("Server %s does not exist", unnamed.ServerID)
		return
	}
	for n := range eliza.SameID + 1 {
		if e.submit(ctx, p, e.messageID(unnamed, text(p["messageId"]), n), say, defaults) {
			return
		}
	}
}

// messageID is that of the n-th text that the client calls by its own id, a new one where it calls it by none.
func (e *event) messageID(m commands.SubmitMessage, own string, n int) uuid.UUID {
	id := uuid.Nil
	if n < eliza.SameID {
		id = eliza.MessageID(m.ChannelID, m.AuthorID, string(e.socket.Id()), own, n)
	}
	if id == uuid.Nil {
		id = e.hub.NewID()
	}
	return id
}

// saying makes the command that says something under an id, and keeps what is to be kept of how it came.
type saying func(id uuid.UUID, kept map[string]any) commands.SubmitMessage

// submit has a message recorded, and the sender told of it. It is false where another text has the id.
func (e *event) submit(ctx context.Context, p map[string]any, id uuid.UUID, say saying, defaults commands.ChannelDefaults) bool {
	m := say(id, p)
	s := &sending{event: e, content: m.Content, clientID: p["messageId"], ack: messageAck{
		ClientMessageID: p["messageId"], MessageID: id, Status: "received_by_server_and_processing",
		ChannelID: m.ChannelID, RoomID: m.ChannelID,
	}}
	if !e.hub.expect(s, id) {
		e.refuse("[SocketIO] Error processing your message: %d of your messages cannot be read yet. Try again.", maxSending)
		return true
	}
	request := e.request()
	result, err := commands.SubmitOpening(ctx, e.hub.Env, request, m, defaults)
	if errors.Is(err, events.ErrTooLarge) { // the text twice
		short := maps.Clone(p)
		delete(short, "message")
		result, err = commands.SubmitOpening(ctx, e.hub.Env, request, say(id, short), defaults)
	}
	if err != nil {
		e.hub.drop(s, id)
		e.failed("saying something", err)
		return true
	}
	return result.Changed || e.repeat(ctx, s, m, result.Position)
}

// message reads what a client wants to say, but for its id; problem is what is wrong with it.
func (e *event) message(p map[string]any) (say saying, d commands.ChannelDefaults, problem string) {
	channel, badChannel := events.ParseID(first(p, "channelId", "roomId"))
	server, badServer := events.ParseServerID(first(p, "messageServerId", "message_server_id", "serverId", "server_id"))
	author, badAuthor := events.ParseID(first(p, "senderId", "author_id"))
	content := strings.ReplaceAll(text(p["message"]), "\ufeff", "") // byte order marks are no part of a text
	if badChannel != nil || badServer != nil || badAuthor != nil || content == "" {
		return nil, d, e.incomplete()
	}
	said, _ := p["metadata"].(map[string]any)
	metadata := maps.Clone(said)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["socket_id"], metadata["messageServerId"], metadata["serverId"] = string(e.socket.Id()), server, server
	if name, ok := p["senderName"]; ok {
		metadata["user_display_name"] = name
	}
	delete(metadata, "attachments") // those of the message itself count
	if p["attachments"] != nil {
		metadata["attachments"] = p["attachments"]
	}
	rawMetadata := make(map[string]json.RawMessage, len(said))
	for key, value := range said {
		rawMetadata[key] = raw(value)
	}
	d = eliza.ChannelDefaults("socketio_auto_creation", rawMetadata)
	if d.Target == uuid.Nil {
		d.Target, _ = events.ParseID(text(p["targetUserId"])) // what is none is left out
	}
	about, own := raw(metadata), text(p["messageId"])
	if _, err := events.ParseID(own); err != nil {
		own = "" // it counts within the session alone
	}
	return func(id uuid.UUID, kept map[string]any) commands.SubmitMessage {
		return commands.SubmitMessage{
			MessageID: id, ChannelID: channel, ServerID: server, AuthorID: author, AuthorName: text(p["senderName"]), Content: content,
			RawMessage: raw(kept), Metadata: about, SourceType: cmp.Or(text(p["source"]), "socketio_client"), SourceID: own,
		}
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

// repeat tells the sender of a message that is there already what it would have heard the first time. It is false where the message
// has another text.
func (e *event) repeat(ctx context.Context, s *sending, m commands.SubmitMessage, at events.Position) bool {
	var found *events.Recorded
	for r, err := range e.hub.Env.Store.Read(ctx, events.MessageStream(m.MessageID), events.Forwards) {
		if err != nil {
			e.hub.drop(s, m.MessageID)
			e.failed("saying something", err)
			return true
		}
		if _, ok := r.Event.(events.MessageSubmitted); ok {
			found = &r
		}
	}
	if found == nil || found.Event.(events.MessageSubmitted).Content != m.Content {
		e.hub.drop(s, m.MessageID)
		return false
	}
	waiting, cancel := context.WithTimeout(ctx, readable)
	defer cancel()
	_ = e.hub.Waiter.Wait(waiting, core, at) // or long enough
	if e.hub.drop(s, m.MessageID) {          // it was not published meanwhile
		e.hub.tellSender(s, broadcastOf(*found), found.Event.(events.MessageSubmitted))
	}
	return true
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

// senders are the clients that wait for a message that has become readable: with that text, since a client may have sent another under
// the same id.
func (h *Hub) senders(message uuid.UUID, content string) (found []*sending) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sending[message] {
		if s.content == content {
			found = append(found, s)
		}
	}
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

// tellSender sends the sender its own copy, and then that the message was taken. Where nobody is there to answer, no turn ends:
// a sender that joined the channel hears at once that nothing more comes, since clients lock their input until then.
func (h *Hub) tellSender(s *sending, b broadcast, m events.MessageSubmitted) {
	b.ClientMessageID = s.clientID
	s.event.tell("messageBroadcast", b)
	h.acknowledge(s)
	if len(m.Audience) == 0 && h.isMember(s.event.connection, m.ChannelID.String()) {
		s.event.tell("messageComplete", completionIn(m.ChannelID, m.ServerID))
	}
}
