package reactions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
)

var remembering = Declaration{
	Name: "remember",
	Types: []string{
		events.MessageSubmitted{}.EventType(), events.MessageEdited{}.EventType(), events.TurnCompleted{}.EventType(),
		events.AgentCreated{}.EventType(), events.AgentUpdated{}.EventType(), events.AgentStarted{}.EventType(),
		events.DocumentAdded{}.EventType(),
	},
	Partition: place,
	AtOnce:    func(Ports) int { return channelsAtOnce },
	Budget:    budget,
	Make: func(p Ports) Reaction {
		return Remember{Env: p.Env, Knowledge: p.Knowledge, Readable: p.History.Readable, Now: p.Now}
	},
}

// Why an agent that was asked was silent, where its model decided it.
const (
	choseSilence = "the model chose to be silent"
	saidNothing  = "the model said nothing"
)

// Remember lets agents remember what was said where they took part, and what their characters know. Memories that are
// there, or were taken away, are passed over: an id derives from the message and the agent.
type Remember struct {
	Env commands.Env
	// Knowledge reads the files that characters name.
	Knowledge Knowledge
	// Readable returns once everything up to the position can be read: until then, what is known of agents and channels may
	// be older than the cause.
	Readable func(context.Context, events.Position) error
	Now      func() time.Time
}

// To implements Reaction.
func (r Remember) To(ctx context.Context, e events.Recorded) error {
	if err := r.Readable(ctx, e.Position); err != nil {
		return fmt.Errorf("%w: %w", errBehind, err)
	}
	switch f := e.Event.(type) {
	case events.MessageSubmitted:
		return r.said(ctx, e, f)
	case events.MessageEdited:
		return r.edited(ctx, e, f)
	case events.TurnCompleted:
		if f.Outcome == events.TurnIgnored && (f.Reason == choseSilence || f.Reason == saidNothing) {
			return gone(r.silent(ctx, e, f))
		}
	case events.DocumentAdded:
		return gone(r.complete(ctx, e, f))
	case events.AgentCreated:
		return gone(r.learn(ctx, e, f.AgentID))
	case events.AgentUpdated:
		return gone(r.learn(ctx, e, f.AgentID))
	case events.AgentStarted:
		return gone(r.learn(ctx, e, f.AgentID))
	}
	return nil
}

// GiveUp implements Reaction. Nobody waits for a memory.
func (Remember) GiveUp(context.Context, events.Recorded, error) error { return nil }

// gone passes over what was deleted or erased meanwhile: there is nothing left to remember it by.
func gone(err error) error {
	if errors.Is(err, commands.ErrNotFound) || errors.Is(err, events.ErrErased) {
		return nil
	}
	return err
}

// rememberers are the agents that a message concerns: those that heard it and, of an agent's, the one that said it.
func rememberers(m events.MessageSubmitted) []uuid.UUID {
	if m.ByAgent {
		return append([]uuid.UUID{m.AuthorID}, m.Audience...)
	}
	return m.Audience
}

func (r Remember) said(ctx context.Context, e events.Recorded, m events.MessageSubmitted) error {
	for _, agent := range rememberers(m) {
		if err := gone(r.store(ctx, e, m, agent)); err != nil {
			return err
		}
	}
	return nil
}

// store lets one agent remember a message.
func (r Remember) store(ctx context.Context, e events.Recorded, m events.MessageSubmitted, agent uuid.UUID) error {
	request := r.request(e, agent, "remember")
	view := commands.AgentRoom{AgentID: agent, ChannelID: m.ChannelID, ServerID: m.ServerID, Type: channelType(m), Source: m.SourceType}
	if _, err := view.Open(ctx, r.Env, request); err != nil {
		return err
	}
	entity, err := view.Meet(ctx, r.Env, request, m.AuthorID, m.AuthorName)
	if err != nil {
		return err
	}
	keep := func(content, metadata json.RawMessage) error {
		_, err := commands.Handle(ctx, r.Env, request, commands.StoreMemory{
			MemoryID: events.UniqueUUID(agent, m.MessageID.String()), AgentID: agent, RoomID: view.RoomID(), EntityID: entity,
			SubjectID: m.Subject(), Table: events.TableMessages, Content: content, Metadata: metadata, Unique: true,
			MessageID: m.MessageID, Said: e.Position, At: e.Meta.At,
		})
		return err
	}
	if agent == m.AuthorID {
		return keep(spoken(m, agent), nil)
	}
	content, metadata := heard(m, agent)
	err = keep(content, metadata)
	if errors.Is(err, events.ErrTooLarge) { // the message twice
		err = keep(content, nil)
	}
	return err
}

// edited lets those who remember the message remember what it says now.
func (r Remember) edited(ctx context.Context, e events.Recorded, m events.MessageEdited) error {
	message, err := commands.Load[commands.Message](ctx, r.Env, events.MessageStream(m.MessageID))
	if err != nil || !message.Exists {
		return err
	}
	for _, agent := range append([]uuid.UUID{message.AuthorID}, message.Audience...) {
		id := events.UniqueUUID(agent, m.MessageID.String())
		memory, err := r.Env.States.Memory(ctx, id)
		if err != nil {
			return err
		}
		if !memory.Exists {
			continue
		}
		content, err := withText(memory.Content, m.Content)
		if err != nil {
			return err
		}
		_, err = commands.Handle(ctx, r.Env, r.request(e, agent, "remember"), commands.UpdateMemory{MemoryID: id, AgentID: agent, Content: content})
		if gone(err) != nil {
			return err
		}
	}
	return nil
}

// silent lets an agent remember that it chose to say nothing.
func (r Remember) silent(ctx context.Context, e events.Recorded, f events.TurnCompleted) error {
	message, err := commands.Load[commands.Message](ctx, r.Env, events.MessageStream(f.MessageID))
	if err != nil || !message.Exists {
		return err
	}
	request := r.request(e, f.AgentID, "silence")
	view := commands.AgentRoom{AgentID: f.AgentID, ChannelID: f.ChannelID, ServerID: f.ServerID}
	if _, err := view.Open(ctx, r.Env, request); err != nil {
		return err
	}
	_, err = commands.Handle(ctx, r.Env, request, commands.StoreMemory{
		MemoryID: events.UniqueUUID(f.AgentID, f.TurnID.String()), AgentID: f.AgentID, RoomID: view.RoomID(), EntityID: f.AgentID,
		Table: events.TableMessages, Unique: true, MessageID: f.MessageID, Said: message.Submitted, At: e.Meta.At,
		Content: silence(f.Reason, events.UniqueUUID(f.AgentID, f.MessageID.String())),
	})
	return err
}

// request carries the cause on, under an id that the next delivery of the same event would give as well.
func (r Remember) request(e events.Recorded, agent uuid.UUID, act string) commands.Request {
	return commands.Request{
		ID: events.Derive(e.ID, act, agent.String()), At: r.Now(), Actor: "agent:" + agent.String(),
		Correlation: e.Meta.Correlation, Causation: e.ID, Trace: e.Meta.Trace, Hops: e.Meta.Hops, Repeats: e.Position,
	}
}
