package commands

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// SubmitMessage says something in a channel that exists. The same id again is the same message.
type SubmitMessage struct {
	MessageID  uuid.UUID
	ChannelID  uuid.UUID
	ServerID   uuid.UUID
	AuthorID   uuid.UUID
	AuthorName string
	Content    string
	RawMessage json.RawMessage
	Metadata   json.RawMessage
	SourceType string
	SourceID   string
	InReplyTo  uuid.UUID
	Submitted  bool // see events.MessageSubmitted

	alive    bool
	byAgent  bool
	audience []uuid.UUID
}

func (*SubmitMessage) begins() {}

// Stream implements Command.
func (c *SubmitMessage) Stream() events.StreamID { return events.MessageStream(c.MessageID) }

// Audience are the agents that the message reached, once it was handled.
func (c *SubmitMessage) Audience() []uuid.UUID { return c.audience }

// Admit implements Admitted: the channel exists, the server that is named need not; the running agents among the channel's participants that hear the
// server are the audience.
func (c *SubmitMessage) Admit(ctx context.Context, p *States, m Message) error {
	channel, err := p.Channel(ctx, c.ChannelID)
	if err != nil {
		return err
	}
	if !channel.Exists {
		return noChannel(c.ChannelID)
	}
	if c.alive, err = m.alive(ctx, p); err != nil {
		return err
	}
	server, err := p.Server(ctx, c.ServerID)
	if err != nil {
		return err
	}
	author, err := p.Agent(ctx, c.AuthorID)
	if err != nil {
		return err
	}
	c.byAgent = author.Exists
	c.audience, err = c.hearing(ctx, p, channel, server)
	return err
}

func (c *SubmitMessage) hearing(ctx context.Context, p *States, channel Channel, server Server) ([]uuid.UUID, error) {
	var audience []uuid.UUID
	for _, id := range channel.Participants {
		if id == c.AuthorID || (c.ServerID != events.DefaultServer && !server.Agents[id]) {
			continue
		}
		agent, err := p.Agent(ctx, id)
		if err != nil {
			return nil, err
		}
		if agent.Running {
			audience = append(audience, id)
		}
	}
	return audience, nil
}

// Decide implements Command.
func (c *SubmitMessage) Decide(_ Request, m Message) ([]events.Event, error) {
	switch {
	case c.alive && m.ChannelID != c.ChannelID:
		return nil, fmt.Errorf("message %s: %w: it is in channel %s", c.MessageID, ErrRefused, m.ChannelID)
	case c.alive:
		return nil, nil
	}
	return []events.Event{events.MessageSubmitted{
		MessageID: c.MessageID, ChannelID: c.ChannelID, ServerID: c.ServerID, AuthorID: c.AuthorID,
		AuthorName: c.AuthorName, Content: c.Content, RawMessage: c.RawMessage, Metadata: c.Metadata,
		SourceType: c.SourceType, SourceID: c.SourceID, InReplyTo: c.InReplyTo,
		ByAgent: c.byAgent, Submitted: c.Submitted, Audience: c.audience,
	}}, nil
}
