package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// StoreMemory lets an agent remember something in one of its rooms. What it remembers already stays as it is, and what was
// said and is gone since (see events.MemoryStored) is not remembered.
type StoreMemory struct {
	MemoryID  uuid.UUID
	AgentID   uuid.UUID
	RoomID    uuid.UUID
	EntityID  uuid.UUID
	SubjectID uuid.UUID // the entity where it is not given
	Table     string
	Content   json.RawMessage // an object
	Metadata  json.RawMessage
	Unique    bool
	// MessageID is the message that it came from, and Said where in the log that is.
	MessageID  uuid.UUID
	Said       events.Position
	DocumentID uuid.UUID
	At         time.Time
	// Vector is that of the text, where it is given.
	Vector []float32
}

// memoryAdmission is what other streams say about a memory: it is there; it was said and is gone since; where its room is.
type memoryAdmission struct {
	alive, gone        bool
	worldID, channelID uuid.UUID
}

func (StoreMemory) begins() {}

// Stream implements Command.
func (c StoreMemory) Stream() events.StreamID { return events.MemoryStream(c.MemoryID) }

// Admit implements Command: the room is one of the agent's and, where one is named, the document is there.
func (c StoreMemory) Admit(ctx context.Context, states *States, m Memory) (a memoryAdmission, err error) {
	if err := states.agentExists(ctx, c.AgentID); err != nil {
		return a, err
	}
	room, err := states.RoomNow(ctx, c.RoomID)
	if err != nil {
		return a, err
	}
	if !room.Exists || room.AgentID != c.AgentID {
		return a, noRoom(c.RoomID)
	}
	a.worldID, a.channelID = room.WorldID, room.ChannelID
	if a.alive, err = m.alive(ctx, states); err != nil || a.alive {
		return a, err
	}
	if err := c.admitDocument(ctx, states); err != nil || c.Said == 0 {
		return a, err
	}
	there, err := Memory{
		Exists: true, AgentID: c.AgentID, RoomID: c.RoomID, WorldID: a.worldID, ChannelID: a.channelID, MessageID: c.MessageID,
		Since: c.Said, Said: c.Said,
	}.alive(ctx, states)
	a.gone = !there
	return a, err
}

func (c StoreMemory) admitDocument(ctx context.Context, states *States) error {
	if c.DocumentID == uuid.Nil {
		return nil
	}
	d, err := states.Memory(ctx, c.DocumentID)
	if err != nil {
		return err
	}
	there, err := d.alive(ctx, states)
	if err == nil && (!there || d.AgentID != c.AgentID) {
		err = noMemory(c.DocumentID)
	}
	return err
}

// Decide implements Command.
func (c StoreMemory) Decide(_ Request, m Memory, a memoryAdmission) ([]events.Event, error) {
	switch {
	case a.alive && m.AgentID != c.AgentID:
		return nil, fmt.Errorf("memory %s: %w: another agent remembers it", c.MemoryID, ErrRefused)
	case a.alive, a.gone, c.Said != 0 && m.Said >= c.Said:
		return nil, nil
	case kind(c.Content) != "object":
		return nil, fmt.Errorf("content of memory %s: %w: it is no object", c.MemoryID, ErrRefused)
	case c.Table == "":
		return nil, fmt.Errorf("memory %s: %w: it belongs to no table", c.MemoryID, ErrRefused)
	}
	subject := c.SubjectID
	if subject == uuid.Nil {
		subject = c.EntityID
	}
	facts := []events.Event{events.MemoryStored{
		MemoryID: c.MemoryID, AgentID: c.AgentID, RoomID: c.RoomID, EntityID: c.EntityID, WorldID: a.worldID, SubjectID: subject,
		Table: c.Table, Content: c.Content, Metadata: c.Metadata, Unique: c.Unique, ChannelID: a.channelID, MessageID: c.MessageID,
		Said: c.Said, DocumentID: c.DocumentID, At: c.At,
	}}
	if c.Vector == nil {
		return facts, nil
	}
	embedded, err := vectorGiven(c.MemoryID, c.AgentID, subject, c.Content, c.Vector)
	return append(facts, embedded), err
}

// vectorGiven is the vector that a client gives for the text of a memory.
func vectorGiven(memory, agent, subject uuid.UUID, content json.RawMessage, v []float32) (events.MemoryEmbedded, error) {
	if err := events.CheckVector(v); err != nil {
		return events.MemoryEmbedded{}, fmt.Errorf("memory %s: %w", memory, err)
	}
	return events.MemoryEmbedded{
		MemoryID: memory, AgentID: agent, SubjectID: subject, Model: events.ModelGiven, Dimensions: len(v),
		Vector: events.PackVector(v), TextHash: events.HashText(events.MemoryText(content)),
	}, nil
}
