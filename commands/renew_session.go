package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// RenewSession lets the time of a session begin anew, even of one that does not renew itself.
type RenewSession struct {
	withItsAgent

	SessionID uuid.UUID
}

// Stream implements Command.
func (c RenewSession) Stream() events.StreamID { return events.SessionStream(c.SessionID) }

// Decide implements Command.
func (c RenewSession) Decide(r Request, s Session, _ Nothing) ([]events.Event, error) {
	if err := s.open(c.SessionID, r.At); err != nil {
		return nil, err
	}
	s.Clock.LastActivity = r.At
	s.Clock.RenewalCount++
	return []events.Event{events.SessionRenewed(s.state(c.SessionID, ended(s.Clock, r.At)))}, nil
}
