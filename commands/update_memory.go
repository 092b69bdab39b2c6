package commands

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// UpdateMemory changes what is given of a memory of an agent, whole; what is nil stays.
type UpdateMemory struct {
	MemoryID uuid.UUID
	AgentID  uuid.UUID
	Content  json.RawMessage // an object
	Metadata json.RawMessage
	// Vector is that of the text that the memory then has.
	Vector GivenVector
}

// Stream implements Command.
func (c UpdateMemory) Stream() events.StreamID { return events.MemoryStream(c.MemoryID) }

// Admit implements Command.
func (c UpdateMemory) Admit(ctx context.Context, states *States, m Memory) (bool, error) {
	return m.alive(ctx, states)
}

// Decide implements Command.
func (c UpdateMemory) Decide(_ Request, m Memory, alive bool) ([]events.Event, error) {
	if !alive || m.AgentID != c.AgentID {
		return nil, noMemory(c.MemoryID)
	}
	content, metadata := m.Content, m.Metadata
	if c.Content != nil {
		content = c.Content
	}
	if c.Metadata != nil {
		metadata = c.Metadata
	}
	if kind(content) != "object" && c.Content != nil {
		return nil, fmt.Errorf("content of memory %s: %w: it is no object", c.MemoryID, ErrRefused)
	}
	var facts []events.Event
	if !sameJSON(content, m.Content) || !sameJSON(metadata, m.Metadata) {
		facts = append(facts, events.MemoryUpdated{
			MemoryID: c.MemoryID, AgentID: c.AgentID, SubjectID: m.SubjectID, Content: content, Metadata: metadata,
		})
	}
	return c.Vector.embed(facts, c.MemoryID, c.AgentID, m.SubjectID, content)
}
