package messaging

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/eliza"
	"annals/transport/httpapi/frame"
	"annals/transport/httpapi/talk"
	"annals/transport/problem"
)

// Turns tells when agents are done with a message: Await calls done at once, and again whenever another turn of the message
// has become readable, until done says true or the context ends.
type Turns interface {
	Await(ctx context.Context, message uuid.UUID, done func(context.Context) (bool, error)) error
}

// postedMessage has the replies where they were waited for, and what became of each agent's turn.
type postedMessage struct {
	talk.BusMessage
	AgentResponse *talk.AgentResponse `json:"agentResponse,omitempty" doc:"With transport http: what the agent answered."`
	Replies       []queries.Message   `json:"replies,omitzero" doc:"With wait=reply: what the agents answered."`
	Turns         []turnAnswer        `json:"turns,omitzero" doc:"With wait=reply: how each agent dealt with the message, of those that are done with it."`
}

// Beside implements frame.Besider.
func (p postedMessage) Beside() any {
	return talk.Posted{UserMessage: p.BusMessage, AgentResponse: p.AgentResponse}
}

// turnAnswer says how an agent dealt with a message.
type turnAnswer struct {
	TurnID  uuid.UUID `json:"turnId" doc:"/api/history/turns/{turnId}/why tells more."`
	AgentID uuid.UUID `json:"agentId"`
	Outcome string    `json:"outcome" doc:"replied, ignored, failed or aborted."`
	Reason  string    `json:"reason,omitempty" doc:"Why the agent did not answer."`
}

// MessageBody is what the three ways to say something have in common.
type MessageBody struct {
	frame.ServerNames
	AuthorID   frame.Text      `json:"author_id"`
	Content    frame.Text      `json:"content" doc:"At most 921600 bytes in the log, where it takes a third more than it has."`
	SourceType frame.Text      `json:"source_type"`
	RawMessage json.RawMessage `json:"raw_message"`
	Metadata   frame.Object    `json:"metadata"`
	InReplyTo  json.RawMessage `json:"in_reply_to_message_id"`
}

type newMessage struct {
	frame.ChannelPath
	Wait string `query:"wait" doc:"reply: answer when the agents have answered, after a minute at most."`
	Body PostBody
}

func (a *api) postMessage(c *frame.Call, in *newMessage) (posted postedMessage, err error) {
	way, err := in.Body.Way()
	if err != nil {
		return posted, err
	}
	cmd, defaults, err := a.messageIn(c, in)
	if err != nil {
		return posted, err
	}
	if err := a.ready(c, cmd, &defaults, way); err != nil {
		return posted, err
	}
	r, err := commands.SubmitOpening(c, a.Env, c.Request(), cmd, defaults)
	if err := c.Wrote(r, err); err != nil {
		return posted, err
	}
	posted.BusMessage = inBusForm(cmd, r.At)
	if in.Wait == "reply" && way == talk.OverSocket {
		c.Settle()
		posted.Replies, posted.Turns, err = a.replies(c, cmd.MessageID)
		return posted, err
	}
	posted.AgentResponse, err = a.answer(c, posted.BusMessage, way)
	return posted, err
}

// messageIn is the message that a request wants to say, and how its channel is made where there is none.
func (a *api) messageIn(c *frame.Call, in *newMessage) (cmd commands.SubmitMessage, d commands.ChannelDefaults, err error) {
	if err := a.unspoken(c, in.ChannelID.UUID, &in.Body.MessageBody); err != nil {
		return cmd, d, err
	}
	b := in.Body
	server, badServer := b.Server()
	author, badAuthor := events.ParseID(string(b.AuthorID))
	if badServer != nil || badAuthor != nil || b.Content == "" {
		return cmd, d, frame.MissingFields("channelId, message_server_id, author_id, content")
	}
	fields := b.Metadata.Fields()
	answered, err := a.replyTo(c, b.InReplyTo)
	if err != nil {
		return cmd, d, err
	}
	id, err := a.messageID(c, in.ChannelID.UUID, author, string(b.MessageID), string(b.Content))
	if err != nil {
		return cmd, d, err
	}
	return commands.SubmitMessage{
		MessageID: id, ChannelID: in.ChannelID.UUID, ServerID: server, AuthorID: author,
		AuthorName: frame.TextIn(fields, "user_display_name"), Content: string(b.Content), RawMessage: frame.Given(b.RawMessage),
		Metadata: b.Metadata.Raw(), SourceType: frame.Or(b.SourceType, "eliza_gui"), InReplyTo: answered,
	}, eliza.ChannelDefaults("gui_auto_creation", fields), nil
}

// messageID is the id of a message: of one that its author calls by an id of its own, that which it has got under it, if that is the
// same text.
func (a *api) messageID(c *frame.Call, channel, author uuid.UUID, own, content string) (uuid.UUID, error) {
	for n := range eliza.SameID {
		id := eliza.MessageID(channel, author, "", own, n)
		if id == uuid.Nil {
			break
		}
		said, err := a.Env.States.Message(c, id)
		if err != nil || !said.Exists || said.Content == content {
			return id, err
		}
	}
	return c.NewID("message"), nil
}

func inBusForm(m commands.SubmitMessage, at time.Time) talk.BusMessage {
	return talk.BusMessage{
		ID: m.MessageID, ChannelID: m.ChannelID, MessageServerID: m.ServerID, ServerID: m.ServerID, AuthorID: m.AuthorID, Content: m.Content,
		CreatedAt: queries.Millis(at.UnixMilli()), SourceType: m.SourceType, SourceID: m.SourceID, RawMessage: m.RawMessage,
		Metadata: m.Metadata, AuthorName: m.AuthorName, InReplyTo: optional(m.InReplyTo),
	}
}

func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// replyTo returns the id of the message that is answered, and makes the request one that answers it. What is no UUID is
// dropped, as recorded.
func (a *api) replyTo(c *frame.Call, raw json.RawMessage) (uuid.UUID, error) {
	message, _ := events.ParseID(frame.TextIn(map[string]json.RawMessage{"id": raw}, "id"))
	if message == uuid.Nil {
		return message, nil
	}
	err := c.Answers(message)
	if frame.Missing(err) {
		err = problem.New(http.StatusNotFound, problem.CodeNotFound, "The message %s that is answered was not found", message)
	}
	return message, err
}

// replyWait is how long answers of agents are waited for.
const replyWait = time.Minute

// replies waits until the agents that a message reached are done with it, and gives what they answered so far when the wait
// runs out, and how their turns ended.
func (a *api) replies(c *frame.Call, message uuid.UUID) (replies []queries.Message, ended []turnAnswer, err error) {
	audience, err := a.audience(c, message)
	if err != nil {
		return nil, nil, err
	}
	var turns []queries.Turn
	ctx, cancel := context.WithTimeout(c, replyWait)
	defer cancel()
	c.Rested()
	err = a.Turns.Await(ctx, message, func(ctx context.Context) (done bool, err error) {
		turns, err = a.Queries.TurnsOf(ctx, message)
		return len(turns) >= len(audience), err
	})
	if err != nil && (ctx.Err() == nil || c.Err() != nil) {
		return nil, nil, err
	}
	replies, ended = []queries.Message{}, []turnAnswer{}
	for _, t := range turns {
		if t.AgentID != nil {
			ended = append(ended, turnAnswer{t.ID, *t.AgentID, t.Outcome, t.Reason})
		}
		if t.ReplyID == nil {
			continue
		}
		m, err := a.Queries.Message(c, *t.ReplyID)
		if err != nil && !frame.Missing(err) {
			return nil, nil, err
		}
		if err == nil {
			replies = append(replies, m)
		}
	}
	return replies, ended, nil
}

// audience lists the agents that a message reached. It is read from the log: a repeated request has not admitted anybody.
func (a *api) audience(c *frame.Call, message uuid.UUID) (all []uuid.UUID, err error) {
	for e, err := range a.Env.Store.Read(c, events.MessageStream(message), events.Forwards) {
		if err != nil {
			return nil, err
		}
		if said, ok := e.Event.(events.MessageSubmitted); ok {
			all = said.Audience
		}
	}
	return all, nil
}

type messagesQuery struct {
	frame.ChannelPath
	Limit  int         `query:"limit" default:"50" doc:"At most 1000."`
	Before frame.Place `query:"before" doc:"Only what was said before: milliseconds, ISO-8601, or the id of a message."`
	After  frame.Place `query:"after" doc:"Only what was said after."`
}

type messageList struct {
	Messages []queries.Message `json:"messages"`
	Next     string            `json:"next,omitempty" doc:"Where the page ended early, since it is large or too many are of one millisecond: the before, after or offset of the next one."`
}

func (a *api) messages(c *frame.Call, in *messagesQuery) (messageList, error) {
	page, err := frame.Between(in.Limit, in.Before, in.After, func(id uuid.UUID) (time.Time, events.Position, error) {
		m, err := a.Queries.Message(c, id)
		if err == nil && m.ChannelID != in.ChannelID.UUID {
			err = problem.New(http.StatusNotFound, problem.CodeNotFound, "message %s not found in the channel", id)
		}
		return m.CreatedMillis.Time(), m.Submitted, err
	})
	if err != nil {
		return messageList{}, err
	}
	found, err := a.Queries.MessagesIn(c, in.ChannelID.UUID, page)
	next := frame.NextOf(c, page, true, found, func(m queries.Message) uuid.UUID { return m.ID })
	return messageList{frame.List(found), next}, err
}

// MessagePath names a message.
type MessagePath struct {
	MessageID frame.ID `path:"messageId"`
}

func (a *api) message(c *frame.Call, in *MessagePath) (queries.Message, error) {
	found, err := a.Queries.Message(c, in.MessageID.UUID)
	c.Revision(found.Revision)
	return found, err
}

type messagePatch struct {
	MessagePath
	Body struct {
		Content  frame.Part[frame.Text] `json:"content"`
		Metadata frame.Object           `json:"metadata"`
	}
}

func (a *api) editMessage(c *frame.Call, in *messagePatch) (queries.Message, error) {
	content := in.Body.Content.Value
	if content != nil && *content == "" {
		return queries.Message{}, problem.Invalid("Invalid content: it may not be empty")
	}
	cmd := commands.EditMessage{MessageID: in.MessageID.UUID, Content: (*string)(content), Metadata: in.Body.Metadata.Raw()}
	if _, err := frame.Run(c, cmd); err != nil {
		return queries.Message{}, err
	}
	c.Settle()
	return a.message(c, &in.MessagePath)
}

type messageInChannel struct {
	frame.ChannelPath
	MessagePath
}

// deleteMessage is 204 for a message that is not there, as recorded; in another channel it is not there.
func (a *api) deleteMessage(c *frame.Call, in *messageInChannel) (frame.None, error) {
	_, err := frame.Run(c, commands.DeleteMessage{MessageID: in.MessageID.UUID, ChannelID: in.ChannelID.UUID})
	if errors.Is(err, commands.ErrNotFound) {
		err = nil
	}
	return frame.None{}, err
}
