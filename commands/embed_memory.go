package commands

import (
	"cmp"
	"errors"

	"github.com/google/uuid"

	"annals/events"
)

// EmbedMemory gives the text of a memory its vector. One of a text that the memory no longer has comes too late, and is
// none; what a client gave is replaced only by what a client gives.
type EmbedMemory struct {
	Unconditional[Vector]

	MemoryID uuid.UUID
	// Model is the model of the vector, events.ModelGiven for one that came with a request.
	Model  string
	Vector []float32
	// Text is what the vector is of.
	Text string
	// RepeatOf is an earlier memory that says nearly the same; where it is not set, what was found before for this text stays.
	RepeatOf uuid.UUID
}

// Stream implements Command.
func (c EmbedMemory) Stream() events.StreamID { return events.MemoryStream(c.MemoryID) }

// Decide implements Command. It fails with events.ErrInvalid for a vector that cannot be searched.
func (c EmbedMemory) Decide(_ Request, v Vector, _ Nothing) ([]events.Event, error) {
	if c.Model == "" {
		return nil, errors.New("a vector without a model cannot be compared")
	}
	if err := events.CheckVector(c.Vector); err != nil {
		return nil, err
	}
	given := c.Model == events.ModelGiven
	switch {
	case !v.Exists, v.Text != c.Text:
		return nil, nil
	case v.Has(c.Model, len(c.Vector)) && !given:
		return nil, nil
	}
	return []events.Event{events.MemoryEmbedded{
		MemoryID: c.MemoryID, AgentID: v.AgentID, SubjectID: v.SubjectID, Model: c.Model, Dimensions: len(c.Vector),
		Vector: events.PackVector(c.Vector), TextHash: events.HashText(c.Text),
		RepeatOf: cmp.Or(c.RepeatOf, v.RepeatOf),
	}}, nil
}

// Has tells whether nothing is left to do for a model: its vector is there, or a client's. Dimensions of 0 are any.
func (v Vector) Has(model string, dimensions int) bool {
	return v.Model == events.ModelGiven || v.Model == model && (dimensions == 0 || v.Dimensions == dimensions)
}
