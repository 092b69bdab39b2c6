package commands

import "annals/events"

// RecordLog writes down what an agent did. It is never refused: what happened has happened. The same entry again changes
// nothing, also when it was deleted.
type RecordLog struct {
	Unconditional[LogEntry]

	events.LogRecorded
}

func (RecordLog) begins() {}

// Stream implements Command.
func (c RecordLog) Stream() events.StreamID { return events.AgentLogStream(c.LogID) }

// Decide implements Command.
func (c RecordLog) Decide(_ Request, l LogEntry, _ Nothing) ([]events.Event, error) {
	if l.Recorded || l.Deleted {
		return nil, nil
	}
	return []events.Event{c.LogRecorded}, nil
}
