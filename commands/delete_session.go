package commands

import (
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// DeleteSession ends a session, or forgets one that has expired. Its channel and messages stay.
type DeleteSession struct {
	Unconditional[Session]

	SessionID uuid.UUID
}

// Stream implements Command.
func (c DeleteSession) Stream() events.StreamID { return events.SessionStream(c.SessionID) }

// Decide implements Command.
func (c DeleteSession) Decide(_ Request, s Session, _ Nothing) ([]events.Event, error) {
	if !s.Exists {
		return nil, fmt.Errorf("session %s %w", c.SessionID, ErrNotFound)
	}
	return []events.Event{events.SessionDeleted(s.state(c.SessionID, s.Clock))}, nil
}
