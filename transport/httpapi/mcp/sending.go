package mcp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

type messageTo struct {
	AgentID   string `json:"agentId,omitempty" jsonschema:"the agent that is spoken to, in a conversation of its own with the author"`
	ChannelID string `json:"channelId,omitempty" jsonschema:"the channel in which it is said, instead of an agent"`
	Text      string `json:"text"`
	AuthorID  string `json:"authorId,omitempty" jsonschema:"the id of the person who speaks; one that stands for assistants if it is not given"`
	Author    string `json:"author,omitempty" jsonschema:"the name that the person goes by"`
	MessageID string `json:"messageId,omitempty" jsonschema:"a UUID for the message: the same again, with the same text, is the same message, so that a call can be repeated"`
	NoWait    bool   `json:"noWait,omitempty" jsonschema:"true: do not wait for the answers"`
}

type sent struct {
	ID        string    `json:"id"`
	ChannelID string    `json:"channelId"`
	Replies   []message `json:"replies"`
	Turns     []turn    `json:"turns"`
}

// turn is how an agent dealt with the message.
type turn struct {
	TurnID  string `json:"turnId"`
	AgentID string `json:"agentId"`
	Outcome string `json:"outcome" jsonschema:"replied, ignored, failed or aborted"`
	Reason  string `json:"reason,omitempty"`
}

// assistant is the author of messages for which the assistant names no author.
var assistant = events.Derive(uuid.Nil, "mcp", "assistant")

func (c *client) sendMessage(ctx context.Context, in messageTo) (s sent, err error) {
	author := assistant
	if in.AuthorID != "" {
		if author, err = parsed("authorId", in.AuthorID); err != nil {
			return s, err
		}
	}
	to, err := c.conversation(ctx, in, author)
	if err != nil {
		return s, err
	}
	name := in.Author
	if name == "" {
		name = "Assistant"
	}
	body := map[string]any{
		"author_id": author, "message_server_id": to.Server, "content": in.Text, "source_type": "mcp", "metadata": map[string]any{"user_display_name": name},
	}
	if in.MessageID != "" {
		body["messageId"] = in.MessageID
	}
	wait := url.Values{"wait": {"reply"}}
	if in.NoWait {
		wait = nil
	}
	var posted struct {
		ID      string
		Replies []restMessage
		Turns   []turn
	}
	if err := c.ask(ctx, http.MethodPost, "/api/messaging/channels/"+to.ID+"/messages", wait, body, &posted); err != nil {
		return s, err
	}
	return sent{posted.ID, to.ID, told(posted.Replies), append([]turn{}, posted.Turns...)}, nil
}

// place is a channel.
type place struct {
	ID     string `json:"id"`
	Server string `json:"messageServerId"`
}

// conversation is the channel that a message goes to: the one that is named, or that of the author and the agent, which is made where
// it is not there.
func (c *client) conversation(ctx context.Context, in messageTo, author uuid.UUID) (to place, err error) {
	if (in.AgentID == "") == (in.ChannelID == "") {
		return to, errors.New("give agentId or channelId, one of them")
	}
	if in.ChannelID != "" {
		id, err := parsed("channelId", in.ChannelID)
		if err != nil {
			return to, err
		}
		err = c.ask(ctx, http.MethodGet, "/api/messaging/channels/"+id.String()+"/details", nil, nil, &to)
		return to, err
	}
	agent, err := parsed("agentId", in.AgentID)
	if err != nil {
		return to, err
	}
	var there struct{ ID string }
	if err := c.ask(ctx, http.MethodGet, "/api/agents/"+agent.String(), nil, nil, &there); err != nil {
		return to, err
	}
	err = c.ask(ctx, http.MethodGet, "/api/messaging/dm-channel", query{"targetUserId": agent.String(), "currentUserId": author.String()}.values(), nil, &to)
	return to, err
}

// millis is a time in milliseconds.
type millis int64

// String is the time in ISO-8601.
func (m millis) String() string {
	return time.UnixMilli(int64(m)).UTC().Format("2006-01-02T15:04:05.000Z")
}
