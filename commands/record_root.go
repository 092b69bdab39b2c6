package commands

import "annals/events"

// RecordRoot records the root that a server has found, where it is another than before.
type RecordRoot struct {
	Unconditional[TeeRoot]

	Found events.TeeRootFound
}

// Stream implements Command.
func (c RecordRoot) Stream() events.StreamID { return events.TeeStream(c.Found.TeeID) }

// Decide implements Command.
func (c RecordRoot) Decide(_ Request, known TeeRoot, _ Nothing) ([]events.Event, error) {
	if known.ID == c.Found.RootID {
		return nil, nil
	}
	return []events.Event{c.Found}, nil
}
