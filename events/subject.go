package events

import "github.com/google/uuid"

// SubjectStream is the stream of what was decided about what one subject, a person mostly, has said.
func SubjectStream(id uuid.UUID) StreamID { return Stream("subject", id) }

var subjectEvents = []Event{SubjectErased{}}

// SubjectErased: what the subject has said so far is erased. It is recorded before the key is destroyed, so that a key that is
// missing was either destroyed on purpose, or is lost. A process that keeps the key or the text drops both.
type SubjectErased struct {
	SubjectID uuid.UUID `json:"subjectId"`
	// Key is the check value of the key, as it stands in front of what the key seals. Records of earlier releases lack it.
	Key string `json:"key,omitempty"`
}

// EventType implements Event.
func (SubjectErased) EventType() string { return "SubjectErased" }

// Erasure is what the event at a position says of keys.
func (e SubjectErased) Erasure(at Position) Erasure { return Erasure{Key: e.Key, Position: at} }
