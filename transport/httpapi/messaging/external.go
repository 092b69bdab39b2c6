package messaging

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/eliza"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// storedMessage is a message as /submit answers (CONTRACT 2.6).
type storedMessage struct {
	ID         uuid.UUID       `json:"id"`
	ChannelID  uuid.UUID       `json:"channelId"`
	AuthorID   uuid.UUID       `json:"authorId"`
	Content    string          `json:"content"`
	RawMessage json.RawMessage `json:"rawMessage,omitempty"`
	SourceType string          `json:"sourceType,omitempty"`
	SourceID   string          `json:"sourceId,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	InReplyTo  *uuid.UUID      `json:"inReplyToRootMessageId,omitempty"`
	CreatedAt  queries.ISO     `json:"createdAt"`
	UpdatedAt  queries.ISO     `json:"updatedAt"`
}

type submission struct {
	Body struct {
		ChannelID frame.Text `json:"channel_id"`
		MessageID frame.Text `json:"messageId" doc:"The id that the message is to have; the same again is the same message."`
		MessageBody
		Spelt
	}
}

// submitMessage is how an agent that runs elsewhere answers.
func (a *api) submitMessage(c *frame.Call, in *submission) (storedMessage, error) {
	if err := a.inClientWords(c, in); err != nil {
		return storedMessage{}, err
	}
	b := in.Body
	channel, badChannel := events.ParseID(string(b.ChannelID))
	server, badServer := b.Server()
	author, badAuthor := events.ParseID(string(b.AuthorID))
	if badChannel != nil || badServer != nil || badAuthor != nil || b.Content == "" || b.SourceType == "" || !eliza.Truthy(b.RawMessage) {
		return storedMessage{}, frame.MissingFields("channel_id, message_server_id, author_id, content, source_type, raw_message")
	}
	if reply := b.InReplyTo; eliza.Truthy(reply) {
		if _, err := events.ParseID(frame.TextIn(map[string]json.RawMessage{"id": reply}, "id")); err != nil {
			return storedMessage{}, problem.Invalid("Invalid in_reply_to_message_id format")
		}
	}
	if err := a.channelExists(c, channel); err != nil {
		return storedMessage{}, err
	}
	answered, err := a.replyTo(c, b.InReplyTo)
	if err != nil {
		return storedMessage{}, err
	}
	id, err := a.submittedID(c, b.MessageID)
	if err != nil {
		return storedMessage{}, err
	}
	cmd := commands.SubmitMessage{
		MessageID: id, ChannelID: channel, ServerID: server, AuthorID: author,
		AuthorName: frame.TextIn(b.Metadata.Fields(), "agentName", "user_display_name"), Content: string(b.Content),
		RawMessage: b.RawMessage, Metadata: b.Metadata.Raw(), SourceType: string(b.SourceType), InReplyTo: answered,
		Submitted: true,
	}
	r, err := a.submit(c, cmd)
	if err == nil && !r.Changed && b.MessageID != "" {
		err = a.same(c, cmd)
	}
	if err != nil {
		return storedMessage{}, err
	}
	return storedMessage{
		ID: cmd.MessageID, ChannelID: channel, AuthorID: author, Content: cmd.Content, RawMessage: cmd.RawMessage,
		SourceType: cmd.SourceType, Metadata: cmd.Metadata, InReplyTo: optional(cmd.InReplyTo), CreatedAt: frame.ISO(r.At), UpdatedAt: frame.ISO(r.At),
	}, nil
}

// submit submits a message in a channel that exists.
func (a *api) submit(c *frame.Call, m commands.SubmitMessage) (commands.Result, error) {
	r, err := commands.Submit(c, a.Env, c.Request(), m)
	return r, c.Wrote(r, err)
}

// submittedID is the id that the client gives its message, or a new one.
func (a *api) submittedID(c *frame.Call, given frame.Text) (uuid.UUID, error) {
	if given == "" {
		return c.NewID("message"), nil
	}
	id, err := events.ParseID(string(given))
	if err != nil {
		err = problem.Invalid("Invalid messageId format")
	}
	return id, err
}

// same refuses a message if another one was submitted under its id.
func (a *api) same(c *frame.Call, m commands.SubmitMessage) error {
	var there events.MessageSubmitted
	for e, err := range a.Env.Store.Read(c, events.MessageStream(m.MessageID), events.Forwards) {
		if err != nil {
			return err
		}
		if said, ok := e.Event.(events.MessageSubmitted); ok {
			there = said
		}
	}
	if there.ChannelID != m.ChannelID || there.AuthorID != m.AuthorID || there.Content != m.Content {
		return problem.New(http.StatusConflict, problem.CodeConflict, "another message has the id %s", m.MessageID)
	}
	return nil
}

type completion struct {
	Body struct {
		ChannelID frame.Text `json:"channel_id"`
		frame.ServerNames
		MessageID frame.Text `json:"messageId" doc:"Instead of both: the message that was answered."`
	}
}

// completeTurn is how an agent that runs elsewhere says that it is done.
func (a *api) completeTurn(c *frame.Call, in *completion) (frame.NoData, error) {
	channel, badChannel := events.ParseID(string(in.Body.ChannelID))
	server, badServer := in.Body.Server()
	if badChannel != nil || badServer != nil {
		var err error
		if channel, server, err = a.turnOf(c, in.Body.MessageID); err != nil {
			return frame.NoData{}, err
		}
	}
	_, err := frame.Run(c, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
		TurnID: c.NewID("turn"), ChannelID: channel, ServerID: server, Outcome: events.TurnClosed,
	}})
	return frame.NoData{}, err
}

type externalMessage struct {
	Body struct {
		ChannelID  frame.Text `json:"channel_id"`
		AuthorName frame.Text `json:"author_display_name"`
		SourceID   frame.Text `json:"source_id" doc:"The message's id where it comes from: the same again is the same message."`
		MessageBody
		Batch
	}
}

type ingested struct {
	MessageID uuid.UUID `json:"messageId"`
	Processed int       `json:"processed,omitempty" doc:"How many there were, where several came."`
}

// ingestMessage takes in what was said elsewhere. Authors and servers go by the names that they have there.
func (a *api) ingestMessage(c *frame.Call, in *externalMessage) (ingested, error) {
	b := in.Body
	if b.ChannelID == "" && b.Messages != nil {
		return a.ingestBatch(c, b.Batch)
	}
	channel, err := events.ParseID(string(b.ChannelID))
	if err != nil || b.NamesNone() || b.AuthorID == "" || b.Content == "" {
		return ingested{}, problem.Invalid("Invalid external message payload")
	}
	known, err := a.Env.States.Channel(c, channel)
	if err != nil {
		return ingested{}, err
	}
	server, err := b.Server()
	if err != nil {
		server = known.ServerID
	}
	author, metadata := externalAuthor(string(b.SourceType), string(b.AuthorID), b.Metadata)
	if err := a.channelExists(c, channel); err != nil {
		return ingested{}, err
	}
	answered, err := a.replyTo(c, b.InReplyTo)
	if err != nil {
		return ingested{}, err
	}
	message := c.NewID("message")
	if b.SourceID != "" && !c.Repeats() {
		message = events.Derive(channel, author.String(), string(b.SourceID))
	}
	_, err = a.submit(c, commands.SubmitMessage{
		MessageID: message, ChannelID: channel, ServerID: server, AuthorID: author, AuthorName: string(b.AuthorName),
		Content: string(b.Content), RawMessage: frame.Given(b.RawMessage), Metadata: metadata, SourceType: string(b.SourceType),
		SourceID: string(b.SourceID), InReplyTo: answered,
	})
	return ingested{MessageID: message}, err
}

// externalAuthor gives whoever is no UUID the id that their name elsewhere determines, and keeps that name.
func externalAuthor(source, author string, metadata frame.Object) (uuid.UUID, json.RawMessage) {
	if id, err := events.ParseID(author); err == nil {
		return id, metadata.Raw()
	}
	fields := metadata.Fields()
	if fields == nil {
		fields = map[string]json.RawMessage{}
	}
	fields["externalAuthorId"], _ = json.Marshal(author) // a string always can be
	whole, _ := json.Marshal(fields)                     // what was JSON before is JSON
	return events.StringToUUID(source + ":" + author), whole
}

func (a *api) channelExists(c *frame.Call, id uuid.UUID) error {
	channel, err := a.Env.States.Channel(c, id)
	if err == nil && !channel.Exists {
		err = problem.New(http.StatusNotFound, problem.CodeNotFound, "channel %s not found", id)
	}
	return err
}
