package events

import "github.com/google/uuid"

// SubjectStream is the stream of what was decided about what one subject, a person mostly, has said.
func SubjectStream(id uuid.UUID) StreamID { return Stream("subject", id) }

var subjectEvents = []Event{SubjectErased{}}

// SubjectErased: the key was destroyed under which the log holds what the subject has said so far. Whoever keeps that in clear
// lets go of it.
type SubjectErased struct {
	SubjectID uuid.UUID `json:"subjectId"`
}

// EventType implements Event.
func (SubjectErased) EventType() string { return "SubjectErased" }
