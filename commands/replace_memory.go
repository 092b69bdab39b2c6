package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"annals/events"
)

// ReplaceMemory lets an agent remember this in the place of what it remembers under the id. Fragments go with a document of which more
// than its content is replaced. What was erased stays erased.
type ReplaceMemory struct {
	StoreMemory
}

// Admit implements Command: as of a memory that is not there.
func (c ReplaceMemory) Admit(ctx context.Context, states *States, m Memory) (memoryAdmission, error) {
	a, err := c.StoreMemory.Admit(ctx, states, m)
	if err == nil && a.alive {
		err = c.admitDocument(ctx, states)
	}
	return a, err
}

// Decide implements Command.
func (c ReplaceMemory) Decide(r Request, m Memory, a memoryAdmission) ([]events.Event, error) {
	if !a.alive || m.AgentID != c.AgentID || kind(m.Content) != "object" {
		return c.StoreMemory.Decide(r, m, a)
	}
	fresh := a
	fresh.alive = false
	facts, err := c.StoreMemory.Decide(r, Memory{}, fresh)
	if err != nil || len(facts) == 0 {
		return nil, err
	}
	stored := facts[0].(events.MemoryStored)
	if !m.isAs(stored) {
		return append([]events.Event{events.MemoryDeleted{MemoryID: c.MemoryID, AgentID: c.AgentID}}, facts...), nil
	}
	vectors := facts[1:]
	if len(vectors) == 1 && m.hasVector(vectors[0].(events.MemoryEmbedded)) {
		vectors = nil
	}
	if sameJSON(stored.Content, m.Content) && (sameJSON(stored.Metadata, m.Metadata) || isEmpty(stored.Metadata) && isEmpty(m.Metadata)) {
		return vectors, nil
	}
	return append([]events.Event{events.MemoryUpdated{
		MemoryID: c.MemoryID, AgentID: c.AgentID, SubjectID: m.SubjectID, Content: stored.Content, Metadata: stored.Metadata,
	}}, vectors...), nil
}

// isEmpty reports whether metadata says nothing: none is shown as an object without members.
func isEmpty(metadata json.RawMessage) bool {
	return kind(metadata) != "object" || sameJSON(metadata, struct{}{})
}

// isAs reports whether a memory is the stored one but for what an update can change. A time that is not given is any.
func (m Memory) isAs(f events.MemoryStored) bool {
	return m.RoomID == f.RoomID && m.EntityID == f.EntityID && m.SubjectID == f.SubjectID && m.Table == f.Table && m.DocumentID == f.DocumentID &&
		(f.At.IsZero() || f.At.Truncate(time.Millisecond).Equal(m.At.Truncate(time.Millisecond)))
}

func (m Memory) hasVector(f events.MemoryEmbedded) bool {
	return m.Vector.Model == f.Model && m.Vector.TextHash == f.TextHash && bytes.Equal(m.Vector.Vector, f.Vector)
}
