package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// Subject is what commands know of a subject of personal text: nothing. Whether it has a key, the keys know.
type Subject struct{}

// Apply implements State.
func (s Subject) Apply(events.Recorded) Subject { return s }

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
