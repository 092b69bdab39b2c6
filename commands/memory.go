package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// Memory is what commands know of a memory.
type Memory struct {
	Exists     bool
	AgentID    uuid.UUID
	RoomID     uuid.UUID
	EntityID   uuid.UUID
	WorldID    uuid.UUID
	ChannelID  uuid.UUID
	MessageID  uuid.UUID
	DocumentID uuid.UUID
	SubjectID  uuid.UUID
	Table      string
	Content    json.RawMessage
	Metadata   json.RawMessage
	At         time.Time // when it happened
	// Vector is the last one, perhaps of an earlier text.
	Vector events.MemoryEmbedded
	// Since is where in the log it begins: where it was stored or, of what was said before, where that was said. Said is the
	// latter alone, and outlives a deletion.
	Since, Said events.Position
	// Deleted is where a client deleted it, until it is stored again.
	Deleted events.Position
	// stored is the content that it was stored with.
	stored json.RawMessage
}

// StoredText is the text that the memory was stored with, or that of the memory that a client deleted.
func (m Memory) StoredText() string { return events.MemoryText(m.stored) }

// Apply implements State. A memory that was deleted may be stored again.
func (m Memory) Apply(e events.Recorded) Memory {
	switch f := e.Event.(type) {
	case events.MemoryStored:
		stored := Memory{
			Exists: true, AgentID: f.AgentID, RoomID: f.RoomID, WorldID: f.WorldID, ChannelID: f.ChannelID, MessageID: f.MessageID,
			DocumentID: f.DocumentID, SubjectID: f.SubjectID, EntityID: f.EntityID, Table: f.Table, Content: f.Content, Metadata: f.Metadata,
			At: f.At, Since: f.Said, Said: f.Said, stored: f.Content,
		}
		if f.At.IsZero() {
			stored.At = e.Meta.At
		}
		if f.Said == 0 {
			stored.Since = e.Position
		}
		return stored
	case events.MemoryUpdated:
		m.Content, m.Metadata = f.Content, f.Metadata
	case events.MemoryEmbedded:
		m.Vector = f
	case events.MemoryDeleted:
		if f.Forgotten || !m.Exists {
			return Memory{Said: m.Said}
		}
		return Memory{Said: m.Said, Deleted: e.Position, stored: m.stored}
	}
	return m
}

// alive tells whether the memory is still there after what happened to all that it belongs to.
func (m Memory) alive(ctx context.Context, states *States) (bool, error) {
	if !m.Exists {
		return false, nil
	}
	kept, err := m.kept(ctx, states)
	if err != nil || !kept {
		return false, err
	}
	if m.Said != 0 && m.MessageID != uuid.Nil {
		said, err := states.Message(ctx, m.MessageID)
		if err != nil || !said.Exists || said.Submitted > m.Said {
			return false, err
		}
	}
	if m.DocumentID != uuid.Nil {
		d, err := states.Memory(ctx, m.DocumentID)
		if err != nil || !d.Exists || d.Since > m.Since {
			return false, err
		}
		return d.alive(ctx, states)
	}
	return true, nil
}

// kept reports whether the memory outlived the clears and ends of its agent, its room, its world and its channel.
func (m Memory) kept(ctx context.Context, states *States) (bool, error) {
	agent, err := states.Agent(ctx, m.AgentID)
	if err != nil || !agent.keeps(m.Since) {
		return false, err
	}
	room, err := states.Room(ctx, m.RoomID)
	if err != nil || !room.keeps(m.Since) {
		return false, err
	}
	if m.WorldID != uuid.Nil {
		if world, err := states.World(ctx, m.WorldID); err != nil || !world.keeps(m.Since) {
			return false, err
		}
	}
	if m.ChannelID != uuid.Nil {
		if channel, err := states.Channel(ctx, m.ChannelID); err != nil || !channel.keeps(m.Since) {
			return false, err
		}
	}
	return true, nil
}

func noMemory(id uuid.UUID) error { return fmt.Errorf("memory %s %w", id, ErrNotFound) }
