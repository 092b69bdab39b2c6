package messaging

import (
	"cmp"
	"encoding/json"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/transport/eliza"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// The published client package speaks of some requests in words of its own, which the recorded server refuses: camel case,
// without what the channel tells. They mean the same here.

// ownID is who speaks when nobody is named: whoever authenticated, always the same.
func (a *api) ownID(c *frame.Call) uuid.UUID { return events.Derive(a.Log, "person", c.Actor) }

// Spelt is a message in the client's words.
type Spelt struct {
	AgentID          frame.Text      `json:"agentId"`
	InChannel        frame.Text      `json:"channelId"`
	InReplyToMessage json.RawMessage `json:"inReplyToMessageId"`
}

// unspoken fills in what a message leaves out that names neither its author nor its server.
func (a *api) unspoken(c *frame.Call, channel uuid.UUID, b *MessageBody) error {
	if b.AuthorID != "" || !b.NamesNone() {
		return nil
	}
	known, err := a.Env.States.Channel(c, channel)
	if err != nil {
		return err
	}
	fields := b.Metadata.Fields()
	b.MessageServerID = frame.ServerText(known.ServerID.String())
	b.AuthorID = frame.Text(cmp.Or(frame.TextIn(fields, "author_id", "authorId", "userId", "entityId"), a.ownID(c).String()))
	return nil
}

// inClientWords turns a submission of an agent into that of the recorded server.
func (a *api) inClientWords(c *frame.Call, in *submission) error {
	b := &in.Body
	if b.InChannel == "" || b.AgentID == "" || b.ChannelID != "" {
		return nil
	}
	channel, err := events.ParseID(string(b.InChannel))
	if err != nil {
		return problem.Invalid("Invalid channelId")
	}
	known, err := a.Env.States.Channel(c, channel)
	if err != nil {
		return err
	}
	b.ChannelID, b.AuthorID, b.MessageServerID = b.InChannel, b.AgentID, frame.ServerText(known.ServerID.String())
	b.SourceType, b.InReplyTo = cmp.Or(b.SourceType, "agent_response"), b.InReplyToMessage
	if !eliza.Truthy(b.RawMessage) {
		b.RawMessage, err = json.Marshal(map[string]frame.Text{"text": b.Content})
	}
	return err
}

// turnOf names the channel and server of a turn by the message that it answered.
func (a *api) turnOf(c *frame.Call, message frame.Text) (channel, server uuid.UUID, err error) {
	id, err := events.ParseID(string(message))
	if err != nil {
		return channel, server, problem.Invalid("Missing or invalid fields: channel_id, message_server_id")
	}
	answered, err := a.Queries.Message(c, id)
	if err != nil {
		return channel, server, err
	}
	known, err := a.Env.States.Channel(c, answered.ChannelID)
	return answered.ChannelID, known.ServerID, err
}

// Batch is several messages of one platform.
type Batch struct {
	Platform frame.Text     `json:"platform"`
	Into     frame.Text     `json:"channelId"`
	Messages []batchMessage `json:"messages"`
}

type batchMessage struct {
	ID        frame.Text   `json:"id"`
	AuthorID  frame.Text   `json:"authorId"`
	Content   frame.Text   `json:"content"`
	Timestamp any          `json:"timestamp"`
	Metadata  frame.Object `json:"metadata"`
}

// maxBatch bounds how many come at once.
const maxBatch = 100

// ingestBatch takes in each message as if it had come alone, or none of them.
func (a *api) ingestBatch(c *frame.Call, b Batch) (done ingested, err error) {
	messages, err := a.messagesOf(c, b)
	if err != nil {
		return done, err
	}
	for _, m := range messages {
		if _, err := a.submit(c, m); err != nil {
			return done, err
		}
		done.MessageID, done.Processed = m.MessageID, done.Processed+1
	}
	c.Message = "Messages ingested and published to bus"
	return done, nil
}

// messagesOf are the messages of a batch, each of which may be recorded.
func (a *api) messagesOf(c *frame.Call, b Batch) ([]commands.SubmitMessage, error) {
	channel, err := events.ParseID(string(b.Into))
	if err != nil || len(b.Messages) > maxBatch {
		return nil, problem.Invalid("Invalid external message payload")
	}
	known, err := a.Env.States.Channel(c, channel)
	if err != nil {
		return nil, err
	}
	messages := make([]commands.SubmitMessage, len(b.Messages))
	for i, m := range b.Messages {
		if m.AuthorID == "" || m.Content == "" {
			return nil, problem.Invalid("Invalid external message payload")
		}
		author, metadata := externalAuthor(string(b.Platform), string(m.AuthorID), m.Metadata)
		message := a.NewID()
		if m.ID != "" {
			message = events.Derive(channel, author.String(), string(m.ID))
		}
		messages[i] = commands.SubmitMessage{
			MessageID: message, ChannelID: channel, ServerID: known.ServerID, AuthorID: author, Content: string(m.Content),
			Metadata: metadata, SourceType: string(b.Platform), SourceID: string(m.ID),
		}
		if err := frame.Try(c, messages[i]); err != nil {
			return nil, err
		}
	}
	return messages, nil
}
