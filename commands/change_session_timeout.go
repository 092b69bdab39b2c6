package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// ChangeSessionTimeout gives a session other rules for its end, as if it had had them since its last use.
type ChangeSessionTimeout struct {
	withItsAgent

	SessionID uuid.UUID
	Timeout   events.SessionTimeout
}

// Stream implements Command.
func (c ChangeSessionTimeout) Stream() events.StreamID { return events.SessionStream(c.SessionID) }

// Decide implements Command.
func (c ChangeSessionTimeout) Decide(r Request, s Session, _ Nothing) ([]events.Event, error) {
	if err := s.open(c.SessionID, r.At); err != nil {
		return nil, err
	}
	if s.Clock.Timeout == c.Timeout {
		return nil, nil
	}
	s.Clock.Timeout = c.Timeout
	from := s.Clock.CreatedAt
	if c.Timeout.AutoRenew {
		from = s.Clock.LastActivity
	}
	return []events.Event{events.SessionTimeoutChanged(s.state(c.SessionID, ended(s.Clock, from)))}, nil
}
