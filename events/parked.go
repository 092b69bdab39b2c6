package events

import "github.com/google/uuid"

// ParkedStream holds what operators did about an event that a reaction gave up.
func ParkedStream(event uuid.UUID, reaction string) StreamID {
	return Stream("parked", Derive(event, reaction))
}

var parkedEvents = []Event{ParkedEventRetried{}, ParkedEventDropped{}}

// ParkedEventRetried: a reaction is to deal again with an event that it gave up.
type ParkedEventRetried struct {
	EventID  uuid.UUID `json:"eventId"`
	Reaction string    `json:"reaction"`
}

// ParkedEventDropped: a reaction need not deal any more with an event that it gave up. The event stays in the log.
type ParkedEventDropped struct {
	EventID  uuid.UUID `json:"eventId"`
	Reaction string    `json:"reaction"`
}

// EventType implements Event.
func (ParkedEventRetried) EventType() string { return "ParkedEventRetried" }

// EventType implements Event.
func (ParkedEventDropped) EventType() string { return "ParkedEventDropped" }
