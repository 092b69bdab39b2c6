package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
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
		ChannelID text `json:"channel_id"`
		MessageBody
		Spelt
	}
}

// submitMessage is how an agent that runs elsewhere answers.
func (a *messagingAPI) submitMessage(c *call, in *submission) (storedMessage, error) {
	if err := a.inClientWords(c, in); err != nil {
		return storedMessage{}, err
	}
	b := in.Body
	channel, badChannel := events.ParseID(string(b.ChannelID))
	server, badServer := events.ParseServerID(string(b.ServerID))
	author, badAuthor := events.ParseID(string(b.AuthorID))
	if badChannel != nil || badServer != nil || badAuthor != nil || b.Content == "" || b.SourceType == "" || !truthy(b.RawMessage) {
		return storedMessage{}, missingFields("channel_id, server_id, author_id, content, source_type, raw_message")
	}
	if reply := b.InReplyTo; truthy(reply) {
		if _, err := events.ParseID(textIn(map[string]json.RawMessage{"id": reply}, "id")); err != nil {
			return storedMessage{}, problem.Invalid("Invalid in_reply_to_message_id format")
		}
	}
	cmd := &commands.SubmitMessage{
		MessageID: c.newID("message"), ChannelID: channel, ServerID: server, AuthorID: author,
		AuthorName: textIn(b.Metadata.fields(), "agentName", "user_display_name"), Content: string(b.Content),
		RawMessage: b.RawMessage, Metadata: b.Metadata.raw(), SourceType: string(b.SourceType), Submitted: true,
	}
	at, err := a.submitTo(c, cmd, b.InReplyTo)
	if err != nil {
		return storedMessage{}, err
	}
	return storedMessage{
		ID: cmd.MessageID, ChannelID: channel, AuthorID: author, Content: cmd.Content, RawMessage: cmd.RawMessage,
		SourceType: cmd.SourceType, Metadata: cmd.Metadata, InReplyTo: optional(cmd.InReplyTo), CreatedAt: iso(at), UpdatedAt: iso(at),
	}, nil
}

// truthy is what JavaScript takes for true.
func truthy(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", "false", `""`, "0":
		return false
	}
	return true
}

type completion struct {
	Body struct {
		ChannelID text       `json:"channel_id"`
		ServerID  serverText `json:"server_id"`
		MessageID text       `json:"messageId" doc:"Instead of both: the message that was answered."`
	}
}

// completeTurn is how an agent that runs elsewhere says that it is done.
func (a *messagingAPI) completeTurn(c *call, in *completion) (noData, error) {
	channel, badChannel := events.ParseID(string(in.Body.ChannelID))
	server, badServer := events.ParseServerID(string(in.Body.ServerID))
	if badChannel != nil || badServer != nil {
		var err error
		if channel, server, err = a.turnOf(c, in.Body.MessageID); err != nil {
			return noData{}, err
		}
	}
	_, err := run(c, commands.CompleteTurn{TurnCompleted: events.TurnCompleted{
		TurnID: c.newID("turn"), ChannelID: channel, ServerID: server, Outcome: events.TurnClosed,
	}})
	return noData{}, err
}

type externalMessage struct {
	Body struct {
		ChannelID  text `json:"channel_id"`
		AuthorName text `json:"author_display_name"`
		SourceID   text `json:"source_id" doc:"The message's id where it comes from: the same again is the same message."`
		MessageBody
		Batch
	}
}

type ingested struct {
	MessageID uuid.UUID `json:"messageId"`
	Processed int       `json:"processed,omitempty" doc:"How many there were, where several came."`
}

// ingestMessage takes in what was said elsewhere. Authors and servers go by the names that they have there.
func (a *messagingAPI) ingestMessage(c *call, in *externalMessage) (ingested, error) {
	b := in.Body
	if b.ChannelID == "" && b.Messages != nil {
		return a.ingestBatch(c, b.Batch)
	}
	channel, err := events.ParseID(string(b.ChannelID))
	if err != nil || b.ServerID == "" || b.AuthorID == "" || b.Content == "" {
		return ingested{}, problem.Invalid("Invalid external message payload")
	}
	known, err := a.Env.States.Channel(c, channel)
	if err != nil {
		return ingested{}, err
	}
	server, err := events.ParseServerID(string(b.ServerID))
	if err != nil {
		server = known.ServerID
	}
	author, metadata := externalAuthor(string(b.SourceType), string(b.AuthorID), b.Metadata)
	cmd := &commands.SubmitMessage{
		MessageID: c.newID("message"), ChannelID: channel, ServerID: server, AuthorID: author, AuthorName: string(b.AuthorName),
		Content: string(b.Content), RawMessage: given(b.RawMessage), Metadata: metadata, SourceType: string(b.SourceType),
		SourceID: string(b.SourceID),
	}
	if b.SourceID != "" && !c.repeats() {
		cmd.MessageID = events.Derive(channel, author.String(), string(b.SourceID))
	}
	_, err = a.submitTo(c, cmd, b.InReplyTo)
	return ingested{MessageID: cmd.MessageID}, err
}

// externalAuthor gives whoever is no UUID the id that their name elsewhere determines, and keeps that name.
func externalAuthor(source, author string, metadata object) (uuid.UUID, json.RawMessage) {
	if id, err := events.ParseID(author); err == nil {
		return id, metadata.raw()
	}
	fields := metadata.fields()
	if fields == nil {
		fields = map[string]json.RawMessage{}
	}
	fields["externalAuthorId"], _ = json.Marshal(author) // a string always can be
	whole, _ := json.Marshal(fields)                     // what was JSON before is JSON
	return events.StringToUUID(source + ":" + author), whole
}

// submitTo says something in a channel that must be there, and tells when that was, first.
func (a *messagingAPI) submitTo(c *call, cmd *commands.SubmitMessage, inReplyTo json.RawMessage) (time.Time, error) {
	channel, err := a.Env.States.Channel(c, cmd.ChannelID)
	if err != nil {
		return time.Time{}, err
	}
	if !channel.Exists {
		return time.Time{}, problem.New(http.StatusNotFound, problem.CodeNotFound, "channel %s not found", cmd.ChannelID)
	}
	return a.submit(c, cmd, inReplyTo, nil)
}
