package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// DeleteLog removes an entry from an agent's log. It may be one that nobody recorded by itself: the ends of turns are
// entries as well, under ids of their own.
type DeleteLog struct {
	Unconditional[LogEntry]

	LogID, AgentID uuid.UUID
}

// Stream implements Command.
func (c DeleteLog) Stream() events.StreamID { return events.AgentLogStream(c.LogID) }

// Decide implements Command.
func (c DeleteLog) Decide(_ Request, l LogEntry, _ Nothing) ([]events.Event, error) {
	if l.Deleted {
		return nil, nil
	}
	return []events.Event{events.LogDeleted{LogID: c.LogID, AgentID: c.AgentID}}, nil
}
