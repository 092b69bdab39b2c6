package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// Subject is what commands know of a subject of personal text: nothing. Whether it has a key, the keys know.
type Subject struct{}

// Apply implements State.
func (s Subject) Apply(events.Recorded) Subject { return s }

// EraseSubject notes that the subject's key was destroyed. It may be destroyed again: who speaks afterwards gets another.
type EraseSubject struct {
	Unconditional[Subject]

	SubjectID uuid.UUID
}

// Stream implements Command.
func (c EraseSubject) Stream() events.StreamID { return events.SubjectStream(c.SubjectID) }

// Decide implements Command.
func (c EraseSubject) Decide(Request, Subject, Nothing) ([]events.Event, error) {
	return []events.Event{events.SubjectErased{SubjectID: c.SubjectID}}, nil
}
