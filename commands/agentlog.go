package commands

import (
	"encoding/json"

	"annals/events"
)

// LogEntry is what commands know of an entry of an agent's log.
type LogEntry struct {
	Recorded, Deleted bool
	Body              json.RawMessage
}

// Apply implements State.
func (l LogEntry) Apply(e events.Recorded) LogEntry {
	switch f := e.Event.(type) {
	case events.LogRecorded:
		l.Recorded, l.Body = true, f.Body
	case events.LogDeleted:
		l.Deleted = true
	}
	return l
}
