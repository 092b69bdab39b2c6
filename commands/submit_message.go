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
}

// messageAdmission is what other streams say about a message.
type messageAdmission struct {
	alive    bool
	byAgent  bool
	answered uuid.UUID // the person whom an agent answers
	audience []uuid.UUID
}

func (SubmitMessage) begins() {}

// Stream implements Command.
func (c SubmitMessage) Stream() events.StreamID { return events.MessageStream(c.MessageID) }

// Admit implements Command: the channel exists, the server that is named need not; the running agents among the channel's participants that hear the
// server are the audience.
func (c SubmitMessage) Admit(ctx context.Context, states *States, m Message) (a messageAdmission, err error) {
	channel, err := states.Channel(ctx, c.ChannelID)
	if err != nil {
		return a, err
	}
	if !channel.Exists {
		return a, noChannel(c.ChannelID)
	}
	if a.alive, err = m.alive(ctx, states); err != nil {
		return a, err
	}
	server, err := states.Server(ctx, c.ServerID)
	if err != nil {
		return a, err
	}
	author, err := states.Agent(ctx, c.AuthorID)
	if err != nil {
		return a, err
	}
	if a.byAgent = author.Exists; a.byAgent && c.InReplyTo != uuid.Nil {
		asked, err := states.Message(ctx, c.InReplyTo)
		if err != nil {
			return a, err
		}
		a.answered = asked.person()
	}
	a.audience, err = c.hearing(ctx, states, channel, server)
	return a, err
}

func (c SubmitMessage) hearing(ctx context.Context, states *States, channel Channel, server Server) ([]uuid.UUID, error) {
	var audience []uuid.UUID
	for _, id := range channel.Participants {
		if id == c.AuthorID {
			continue
		}
		agent, err := states.Agent(ctx, id)
		if err != nil {
			return nil, err
		}
		if !agent.Running {
			continue
		}
		if c.ServerID != events.DefaultServer { // which every agent hears
			m, err := states.membership(ctx, events.MembershipStream(c.ServerID, id))
			if err != nil {
				return nil, err
			}
			if !server.hears(id, agent, m) {
				continue
			}
		}
		audience = append(audience, id)
	}
	return audience, nil
}

// Decide implements Command.
func (c SubmitMessage) Decide(_ Request, m Message, a messageAdmission) ([]events.Event, error) {
	switch {
	case a.alive && m.ChannelID != c.ChannelID:
		return nil, fmt.Errorf("message %s: %w: it is in channel %s", c.MessageID, ErrRefused, m.ChannelID)
	case a.alive:
		return nil, nil
	}
	return []events.Event{events.MessageSubmitted{
		MessageID: c.MessageID, ChannelID: c.ChannelID, ServerID: c.ServerID, AuthorID: c.AuthorID,
		AuthorName: c.AuthorName, SubjectID: a.answered, Content: c.Content, RawMessage: c.RawMessage, Metadata: c.Metadata,
		SourceType: c.SourceType, SourceID: c.SourceID, InReplyTo: c.InReplyTo,
		ByAgent: a.byAgent, Submitted: c.Submitted, Audience: a.audience,
	}}, nil
}
