package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// Vector is what commands know of a memory's text and of its vector.
type Vector struct {
	Exists    bool
	AgentID   uuid.UUID
	RoomID    uuid.UUID
	SubjectID uuid.UUID
	Table     string
	Text      string
	// Since is where in the log the memory begins.
	Since events.Position
	// Model and Dimensions are those of the vector of this text; there is none without a model. RepeatOf is an earlier memory that says
	// nearly the same.
	Model      string
	Dimensions int
	RepeatOf   uuid.UUID
}

// Apply implements State. A vector of another text than the memory has is none.
func (v Vector) Apply(e events.Recorded) Vector {
	switch f := e.Event.(type) {
	case events.MemoryStored:
		stored := Vector{
			Exists: true, AgentID: f.AgentID, RoomID: f.RoomID, SubjectID: f.SubjectID, Table: f.Table, Text: events.MemoryText(f.Content),
			Since: f.Said,
		}
		if f.Said == 0 {
			stored.Since = e.Position
		}
		return stored
	case events.MemoryUpdated:
		if text := events.MemoryText(f.Content); text != v.Text {
			v.Text, v.Model, v.Dimensions, v.RepeatOf = text, "", 0, uuid.Nil
		}
	case events.MemoryEmbedded:
		if f.TextHash == events.HashText(v.Text) {
			v.Model, v.Dimensions, v.RepeatOf = f.Model, f.Dimensions, f.RepeatOf
		}
	case events.MemoryDeleted:
		return Vector{}
	}
	return v
}
