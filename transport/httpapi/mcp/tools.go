package mcp

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/google/uuid"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"annals/events"
)

// addTools adds what an assistant can do.
func (c *client) addTools(s *sdk.Server) {
	read(s, "list_agents", "List the agents of the server: their ids, names and whether they run.", c.listAgents)
	read(s, "list_conversations", "List the channels in which agents and people talk, the newest last.", c.listConversations)
	read(s, "read_conversation", "Read what was said in a channel, the oldest first; before gives earlier messages.", c.readConversation)
	read(s, "search_messages", "Find messages of all channels, or of one, by their words: a phrase in quotation marks, or between alternatives, "+
		"- before what must not be there.", c.searchMessages)
	read(s, "search_memory", "Find what an agent remembers, by its meaning and its words, the best first.", c.searchMemory)
	read(s, "history", "List events of the log, the newest first: what happened, when, who did it and what led to it.", c.history)
	read(s, "story", "Tell the story of a thing: each event about it, with what it changed.", c.story)
	read(s, "why", "Show how an answer of an agent came about: the model's calls, the memories it was shown, and the causes. Give the id of an "+
		"answer, or the id of a turn, which may also have failed.", c.why)
	read(s, "verify", "Hold the log against itself and against the hash chain over it, and tell what was tampered with.", c.verify)
	add(s, &sdk.Tool{
		Name:        "send_message",
		Description: "Say something to an agent, or in a channel, and wait for the answers, for a minute at most. Give agentId or channelId.",
		Annotations: &sdk.ToolAnnotations{DestructiveHint: new(false), OpenWorldHint: new(false)},
	}, c.sendMessage)
}

// read adds a tool that changes nothing.
func read[In, Out any](s *sdk.Server, name, description string, f func(context.Context, In) (Out, error)) {
	add(s, &sdk.Tool{
		Name: name, Description: description, Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: new(false)},
	}, f)
}

func add[In, Out any](s *sdk.Server, t *sdk.Tool, f func(context.Context, In) (Out, error)) {
	sdk.AddTool(s, t, func(ctx context.Context, _ *sdk.CallToolRequest, in In) (*sdk.CallToolResult, Out, error) {
		out, err := f(ctx, in)
		return nil, out, err
	})
}

type agent struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status" jsonschema:"active where the agent runs"`
}

type agentList struct {
	Agents []agent `json:"agents"`
}

func (c *client) listAgents(ctx context.Context, _ struct{}) (found agentList, err error) {
	err = c.ask(ctx, http.MethodGet, "/api/agents", nil, nil, &found)
	return found, err
}

type conversationsOf struct {
	ServerID string `json:"serverId,omitempty" jsonschema:"the message server whose channels are wanted; the default one if it is not given"`
	Limit    int    `json:"limit,omitempty" jsonschema:"at most so many: 100 if it is not given"`
	After    string `json:"after,omitempty" jsonschema:"the id of a channel: those that were made after it"`
}

type channel struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	CreatedAt string `json:"createdAt"`
	UpdatedAt string `json:"updatedAt"`
}

type channelList struct {
	Channels []channel `json:"channels"`
}

func (c *client) listConversations(ctx context.Context, in conversationsOf) (found channelList, err error) {
	server := uuid.Nil // the default one
	if in.ServerID != "" {
		if server, err = parsed("serverId", in.ServerID); err != nil {
			return found, err
		}
	}
	err = c.ask(ctx, http.MethodGet, "/api/messaging/message-servers/"+server.String()+"/channels",
		query{"limit": limited(in.Limit, 100), "after": in.After}.values(), nil, &found)
	return found, err
}

type conversationPart struct {
	ChannelID string `json:"channelId"`
	Limit     int    `json:"limit,omitempty" jsonschema:"at most so many messages: 50 if it is not given"`
	Before    string `json:"before,omitempty" jsonschema:"only what was said before: an ISO-8601 time, or the id of a message"`
}

// message is a message as a tool gives it.
type message struct {
	ID        string `json:"id"`
	ChannelID string `json:"channelId"`
	AuthorID  string `json:"authorId"`
	Author    string `json:"author,omitempty"`
	At        string `json:"at"`
	Text      string `json:"text"`
	Answers   string `json:"inReplyTo,omitempty" jsonschema:"the message that this one answers"`
}

// restMessage is a message as the API gives it.
type restMessage struct {
	ID        string `json:"id"`
	ChannelID string `json:"channelId"`
	AuthorID  string `json:"authorId"`
	Content   string `json:"content"`
	InReplyTo string `json:"inReplyToRootMessageId"`
	CreatedAt string `json:"createdAt"`
	Metadata  struct {
		User  string `json:"user_display_name"`
		Agent string `json:"agentName"`
	} `json:"metadata"`
}

func (m restMessage) told() message {
	name := m.Metadata.Agent
	if name == "" {
		name = m.Metadata.User
	}
	return message{ID: m.ID, ChannelID: m.ChannelID, AuthorID: m.AuthorID, Author: name, At: m.CreatedAt, Text: m.Content, Answers: m.InReplyTo}
}

func told(all []restMessage) []message {
	messages := make([]message, len(all))
	for i, m := range all {
		messages[i] = m.told()
	}
	return messages
}

type messageList struct {
	Messages []message `json:"messages"`
}

func (c *client) readConversation(ctx context.Context, in conversationPart) (messageList, error) {
	id, err := parsed("channelId", in.ChannelID)
	if err != nil {
		return messageList{}, err
	}
	var found struct{ Messages []restMessage }
	err = c.ask(ctx, http.MethodGet, "/api/messaging/channels/"+id.String()+"/messages",
		query{"limit": limited(in.Limit, 50), "before": in.Before}.values(), nil, &found)
	slices.Reverse(found.Messages)
	return messageList{told(found.Messages)}, err
}

type messagesWith struct {
	Query     string `json:"query"`
	ChannelID string `json:"channelId,omitempty"`
	Limit     int    `json:"limit,omitempty" jsonschema:"at most so many messages: 20 if it is not given"`
}

func (c *client) searchMessages(ctx context.Context, in messagesWith) (messageList, error) {
	body := map[string]any{"query": in.Query, "limit": orElse(in.Limit, 20)}
	if in.ChannelID != "" {
		body["channelId"] = in.ChannelID
	}
	var found struct{ Messages []restMessage }
	err := c.ask(ctx, http.MethodPost, "/api/messaging/messages/search", nil, body, &found)
	return messageList{told(found.Messages)}, err
}

type memoriesAbout struct {
	AgentID string `json:"agentId"`
	Query   string `json:"query" jsonschema:"what the memories are about"`
	Limit   int    `json:"limit,omitempty" jsonschema:"at most so many memories: 10 if it is not given"`
	Mode    string `json:"mode,omitempty" jsonschema:"hybrid, semantic or text; hybrid if it is not given"`
	RoomID  string `json:"roomId,omitempty" jsonschema:"a room of the agent, or the channel that it is for"`
	Table   string `json:"table,omitempty" jsonschema:"messages, documents, facts or another table; all if it is not given"`
	From    string `json:"from,omitempty" jsonschema:"an ISO-8601 time: only what is of then or later"`
	To      string `json:"to,omitempty" jsonschema:"an ISO-8601 time: only what is of then or earlier"`
}

type memory struct {
	ID       string  `json:"id"`
	Score    float64 `json:"score" jsonschema:"0 to 1"`
	Table    string  `json:"table"`
	At       string  `json:"at"`
	RoomID   string  `json:"roomId"`
	EntityID string  `json:"entityId"`
	Text     string  `json:"text"`
}

type memoryList struct {
	Memories []memory `json:"memories"`
}

func (c *client) searchMemory(ctx context.Context, in memoriesAbout) (memoryList, error) {
	id, err := parsed("agentId", in.AgentID)
	if err != nil {
		return memoryList{}, err
	}
	var found struct {
		Memories []struct {
			ID        string
			Type      string
			Score     float64
			CreatedAt millis
			RoomID    string
			EntityID  string
			Content   struct{ Text string }
		}
	}
	err = c.ask(ctx, http.MethodGet, "/api/memory/"+id.String()+"/memories/search", query{
		"q": in.Query, "limit": limited(in.Limit, 10), "mode": in.Mode, "roomId": in.RoomID, "tableName": in.Table, "from": in.From, "to": in.To,
	}.values(), nil, &found)
	list := memoryList{make([]memory, len(found.Memories))}
	for i, m := range found.Memories {
		list.Memories[i] = memory{m.ID, m.Score, m.Type, m.CreatedAt.String(), m.RoomID, m.EntityID, m.Content.Text}
	}
	return list, err
}

type eventsThat struct {
	Type        string `json:"type,omitempty" jsonschema:"the type of the events, such as MessageSubmitted"`
	Agent       string `json:"agent,omitempty" jsonschema:"the id of an agent that they are about"`
	Channel     string `json:"channel,omitempty" jsonschema:"the id of a channel that they are about"`
	Entity      string `json:"entity,omitempty" jsonschema:"the id of a person, a room or a world that they are about"`
	Actor       string `json:"actor,omitempty" jsonschema:"who did it: key:<name>, agent:<id>, cli or anonymous"`
	Correlation string `json:"correlation,omitempty" jsonschema:"the id of the request that they belong to"`
	From        string `json:"from,omitempty" jsonschema:"an ISO-8601 time: recorded then or later"`
	To          string `json:"to,omitempty" jsonschema:"an ISO-8601 time: recorded earlier than that"`
	Before      string `json:"before,omitempty" jsonschema:"a position: what comes before it in the log"`
	Limit       int    `json:"limit,omitempty" jsonschema:"at most so many events: 50 if it is not given"`
}

func (c *client) history(ctx context.Context, in eventsThat) (found any, err error) {
	err = c.ask(ctx, http.MethodGet, "/api/history/events", query{
		"type": in.Type, "agent": in.Agent, "channel": in.Channel, "entity": in.Entity, "actor": in.Actor, "correlation": in.Correlation,
		"from": in.From, "to": in.To, "before": in.Before, "limit": limited(in.Limit, 50), "direction": "backwards",
	}.values(), nil, &found)
	return found, err
}

type thing struct {
	Kind string `json:"kind" jsonschema:"agent, channel, message, memory, session or job"`
	ID   string `json:"id"`
	AsOf string `json:"asOf,omitempty" jsonschema:"an ISO-8601 time, or a position: show the thing as it was then, too"`
}

// stories are where the API tells the stories of things.
var stories = map[string]string{
	"agent": "agents", "channel": "channels", "message": "messages", "memory": "memories", "session": "sessions", "job": "jobs",
}

func (c *client) story(ctx context.Context, in thing) (found any, err error) {
	kind, known := stories[in.Kind]
	if !known {
		return nil, fmt.Errorf("kind is one of agent, channel, message, memory, session and job, not %.40q", in.Kind)
	}
	id, err := parsed("id", in.ID)
	if err != nil {
		return nil, err
	}
	err = c.ask(ctx, http.MethodGet, "/api/history/"+kind+"/"+id.String(), query{"asOf": in.AsOf}.values(), nil, &found)
	return found, err
}

type reasonOf struct {
	MessageID string `json:"messageId,omitempty" jsonschema:"the id of an answer"`
	TurnID    string `json:"turnId,omitempty" jsonschema:"the id of a turn, as send_message gives it"`
}

func (c *client) why(ctx context.Context, in reasonOf) (found any, err error) {
	what, name, text := "messages", "messageId", in.MessageID
	if in.TurnID != "" {
		what, name, text = "turns", "turnId", in.TurnID
	}
	id, err := parsed(name, text)
	if err != nil {
		return nil, err
	}
	err = c.ask(ctx, http.MethodGet, "/api/history/"+what+"/"+id.String()+"/why", nil, nil, &found)
	return found, err
}

func (c *client) verify(ctx context.Context, _ struct{}) (found any, err error) {
	err = c.ask(ctx, http.MethodGet, "/api/history/verification", nil, nil, &found)
	return found, err
}

// query is that of an address; what is empty is left out.
type query map[string]string

func (q query) values() url.Values {
	v := url.Values{}
	for name, value := range q {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func limited(n, otherwise int) string { return strconv.Itoa(orElse(n, otherwise)) }

// parsed is an id that is to stand in an address.
func parsed(name, text string) (uuid.UUID, error) {
	id, err := events.ParseID(text)
	if err != nil {
		return id, fmt.Errorf("%s: %w", name, err)
	}
	return id, nil
}
