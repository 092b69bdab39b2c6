package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// ParkedEvent is what commands know of an event that a reaction gave up: nothing. Where it is parked, the store knows.
type ParkedEvent struct{}

// Apply implements State.
func (p ParkedEvent) Apply(events.Recorded) ParkedEvent { return p }

// RetryParked notes that a reaction is to deal again with an event.
type RetryParked struct {
	Unconditional[ParkedEvent]

	EventID  uuid.UUID
	Reaction string
}

// Stream implements Command.
func (c RetryParked) Stream() events.StreamID { return events.ParkedStream(c.EventID, c.Reaction) }

// Decide implements Command.
func (c RetryParked) Decide(Request, ParkedEvent, Nothing) ([]events.Event, error) {
	return []events.Event{events.ParkedEventRetried{EventID: c.EventID, Reaction: c.Reaction}}, nil
}

// DropParked notes that a reaction need not deal with an event any more.
type DropParked struct {
	Unconditional[ParkedEvent]

	EventID  uuid.UUID
	Reaction string
}

// Stream implements Command.
func (c DropParked) Stream() events.StreamID { return events.ParkedStream(c.EventID, c.Reaction) }

// Decide implements Command.
func (c DropParked) Decide(Request, ParkedEvent, Nothing) ([]events.Event, error) {
	return []events.Event{events.ParkedEventDropped{EventID: c.EventID, Reaction: c.Reaction}}, nil
}
