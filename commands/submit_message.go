package commands

import (
	"context"
	"encoding/json"

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

	channel  Channel
	byAgent  bool
	audience []uuid.UUID
}

func (*SubmitMessage) begins() {}

// Stream implements Command.
func (c *SubmitMessage) Stream() events.StreamID { return events.MessageStream(c.MessageID) }

// Audience are the agents that the message reached, once it was handled.
func (c *SubmitMessage) Audience() []uuid.UUID { return c.audience }

// Admit implements Admitted: the channel exists; the running agents among its participants that hear the message's
// server are the audience.
func (c *SubmitMessage) Admit(ctx context.Context, p *Parents, _ Message) error {
	var err error
	if c.channel, err = p.Channel(ctx, c.ChannelID); err != nil {
		return err
	}
	if !c.channel.Exists {
		return noChannel(c.ChannelID)
	}
	server, err := p.Server(ctx, c.ServerID)
	if err != nil {
		return err
	}
	if !server.Exists {
		return noServer(c.ServerID)
	}
	author, err := p.Agent(ctx, c.AuthorID)
	if err != nil {
		return err
	}
	c.byAgent, c.audience = author.Exists, nil
	for _, id := range c.channel.Participants {
		if id == c.AuthorID || (c.ServerID != events.DefaultServer && !server.Agents[id]) {
			continue
		}
		agent, err := p.Agent(ctx, id)
		if err != nil {
			return err
		}
		if agent.Running {
			c.audience = append(c.audience, id)
		}
	}
	return nil
}

// Decide implements Command.
func (c *SubmitMessage) Decide(_ Request, m Message) ([]events.Event, error) {
	if m.aliveIn(c.channel) {
		return nil, nil
	}
	return []events.Event{events.MessageSubmitted{
		MessageID: c.MessageID, ChannelID: c.ChannelID, ServerID: c.ServerID, AuthorID: c.AuthorID,
		AuthorName: c.AuthorName, Content: c.Content, RawMessage: c.RawMessage, Metadata: c.Metadata,
		SourceType: c.SourceType, SourceID: c.SourceID, InReplyTo: c.InReplyTo,
		ByAgent: c.byAgent, Audience: c.audience,
	}}, nil
}
