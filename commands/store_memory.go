package commands

import (
	"cmp"
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
	// Learned is set for what the agent's character names. With the same text it is not stored again after a client has deleted it,
	// unless all memories of the agent were cleared since.
	Learned bool
	// Vector is that of the text, where it is given.
	Vector GivenVector
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
	if err := c.admitDocument(ctx, states); err != nil {
		return a, err
	}
	if c.Learned && m.Deleted != 0 && m.StoredText() == events.MemoryText(c.Content) {
		agent, err := states.Agent(ctx, c.AgentID)
		a.gone = agent.keeps(m.Deleted)
		return a, err
	}
	if c.Said == 0 {
		return a, nil
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
	return c.Vector.embed(facts, c.MemoryID, c.AgentID, subject, c.Content)
}

// GivenVector is the vector that a client gives for the text of a memory. One of nil is none.
type GivenVector struct {
	Numbers []float32
	// Model is the one that the client names. A vector without a name is compared with no model's.
	Model string
}

// maxModel bounds the name of a model, in bytes.
const maxModel = 200

// embed appends that a memory has the vector.
func (v GivenVector) embed(facts []events.Event, memory, agent, subject uuid.UUID, content json.RawMessage) ([]events.Event, error) {
	if v.Numbers == nil {
		return facts, nil
	}
	if err := events.CheckVector(v.Numbers); err != nil {
		return nil, fmt.Errorf("memory %s: %w", memory, err)
	}
	if len(v.Model) > maxModel {
		return nil, fmt.Errorf("embeddingModel of memory %s: %w: it has more than %d bytes", memory, ErrRefused, maxModel)
	}
	return append(facts, events.MemoryEmbedded{
		MemoryID: memory, AgentID: agent, SubjectID: subject, Model: cmp.Or(v.Model, events.ModelGiven), Dimensions: len(v.Numbers),
		Vector: events.PackVector(v.Numbers), TextHash: events.HashText(events.MemoryText(content)),
	}), nil
}
