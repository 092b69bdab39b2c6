package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// Vector is what commands know of a memory's text and of its vector.
type Vector struct {
	Exists    bool
	AgentID   uuid.UUID
	SubjectID uuid.UUID
	Text      string
	// Model and Dimensions are those of the vector of this text; there is none without a model.
	Model      string
	Dimensions int
}

// Apply implements State. A vector of another text than the memory has is none.
func (v Vector) Apply(e events.Recorded) Vector {
	switch f := e.Event.(type) {
	case events.MemoryStored:
		return Vector{Exists: true, AgentID: f.AgentID, SubjectID: f.SubjectID, Text: events.MemoryText(f.Content)}
	case events.MemoryUpdated:
		if text := events.MemoryText(f.Content); text != v.Text {
			v.Text, v.Model, v.Dimensions = text, "", 0
		}
	case events.MemoryEmbedded:
		if f.TextHash == events.HashText(v.Text) {
			v.Model, v.Dimensions = f.Model, f.Dimensions
		}
	case events.MemoryDeleted:
		return Vector{}
	}
	return v
}
