package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// AbortTurn says that an agent's answer to a message is not wanted any more. One that is there already stays.
type AbortTurn struct {
	Unconditional[Turn]

	ChannelID, ServerID, AgentID, MessageID uuid.UUID
}

func (AbortTurn) begins() {}

// Stream implements Command.
func (c AbortTurn) Stream() events.StreamID {
	return events.TurnStream(events.TurnID(c.MessageID, c.AgentID))
}

// Decide implements Command.
func (c AbortTurn) Decide(_ Request, t Turn, _ Nothing) ([]events.Event, error) {
	if t.Aborted || t.Done() {
		return nil, nil
	}
	return []events.Event{events.TurnAborted{
		TurnID: events.TurnID(c.MessageID, c.AgentID), ChannelID: c.ChannelID, ServerID: c.ServerID, AgentID: c.AgentID,
		MessageID: c.MessageID,
	}}, nil
}

// Unwanted says which answers in a channel are not wanted any more: those to Message, or to all recent messages without
// one, and those of Agent, or of all agents without one.
type Unwanted struct {
	Channel, Message, Agent uuid.UUID
	// Recent are the newest messages of the channel.
	Recent func(ctx context.Context, channel uuid.UUID) ([]uuid.UUID, error)
}

// AbortTurns aborts the turns that are under way or still to come, and gives those that it aborted. A repetition aborts
// nothing more.
func AbortTurns(ctx context.Context, env Env, r Request, u Unwanted) (aborted []AbortTurn, last Result, err error) {
	channel, err := env.States.Channel(ctx, u.Channel)
	if err != nil {
		return nil, last, err
	}
	if !channel.Exists {
		return nil, last, noChannel(u.Channel)
	}
	messages := []uuid.UUID{u.Message}
	if u.Message == uuid.Nil {
		if messages, err = u.Recent(ctx, u.Channel); err != nil {
			return nil, last, err
		}
	}
	for _, id := range messages {
		turns, err := u.turns(ctx, env, id)
		if errors.Is(err, ErrNotFound) && u.Message == uuid.Nil {
			continue // deleted meanwhile, or meant for other agents
		}
		if err != nil {
			return aborted, last, err
		}
		for _, turn := range turns {
			done, err := Handle(ctx, env, r, turn)
			if err != nil {
				return aborted, last, err
			}
			if done.Changed {
				aborted, last = append(aborted, turn), done
			}
		}
	}
	return aborted, last, nil
}

// turns are those of the agents that are not wanted to answer a message.
func (u Unwanted) turns(ctx context.Context, env Env, message uuid.UUID) (turns []AbortTurn, err error) {
	m, err := env.States.MessageNow(ctx, message)
	if err != nil {
		return nil, err
	}
	if !m.Exists || m.ChannelID != u.Channel {
		return nil, noMessage(message)
	}
	if u.Agent != uuid.Nil && !slices.Contains(m.Audience, u.Agent) {
		return nil, fmt.Errorf("an answer of agent %s to message %s %w", u.Agent, message, ErrNotFound)
	}
	for _, agent := range m.Audience {
		if u.Agent == uuid.Nil || u.Agent == agent {
			turns = append(turns, AbortTurn{ChannelID: m.ChannelID, ServerID: m.ServerID, AgentID: agent, MessageID: message})
		}
	}
	return turns, nil
}
