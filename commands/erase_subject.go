package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// Subject is what commands know of a subject of personal text. Whether it has a key, the keys know.
type Subject struct {
	// Erased is where in the log its last erasure stands, 0 for none.
	Erased events.Position
}

// Apply implements State.
func (s Subject) Apply(e events.Recorded) Subject {
	if _, ok := e.Event.(events.SubjectErased); ok {
		s.Erased = e.Position
	}
	return s
}

// EraseSubject records that what the subject has said is erased. A subject that speaks afterwards gets another key, and may be
// erased again.
type EraseSubject struct {
	Unconditional[Subject]

	SubjectID uuid.UUID
	Key       string // the check value of the key that is destroyed, empty for none
}

// Stream implements Command.
func (c EraseSubject) Stream() events.StreamID { return events.SubjectStream(c.SubjectID) }

// Decide implements Command.
func (c EraseSubject) Decide(Request, Subject, Nothing) ([]events.Event, error) {
	return []events.Event{events.SubjectErased{SubjectID: c.SubjectID, Key: c.Key}}, nil
}
