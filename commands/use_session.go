package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// UseSession notes that a session is in use: a message is posted, or its client is still there.
type UseSession struct {
	withItsAgent

	SessionID uuid.UUID
}

// Stream implements Command.
func (c UseSession) Stream() events.StreamID { return events.SessionStream(c.SessionID) }

// Decide implements Command.
func (c UseSession) Decide(r Request, s Session, _ Nothing) ([]events.Event, error) {
	if err := s.open(c.SessionID, r.At); err != nil {
		return nil, err
	}
	return []events.Event{events.SessionUsed(s.state(c.SessionID, used(s.Clock, r.At)))}, nil
}
