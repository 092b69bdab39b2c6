package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// Log is the fold of the log's own stream.
type Log struct{ ID uuid.UUID }

// Apply implements State.
func (l Log) Apply(e events.Recorded) Log {
	if f, ok := e.Event.(events.LogOpened); ok {
		l.ID = f.LogID
	}
	return l
}

// OpenLog gives a new log its identity. A log that has one keeps it.
type OpenLog struct {
	Unconditional[Log]

	LogID uuid.UUID
}

// Stream implements Command.
func (OpenLog) Stream() events.StreamID { return events.LogStream }

// Decide implements Command.
func (c OpenLog) Decide(_ Request, l Log, _ Nothing) ([]events.Event, error) {
	if l.ID != uuid.Nil {
		return nil, nil
	}
	return []events.Event{events.LogOpened{LogID: c.LogID}}, nil
}
