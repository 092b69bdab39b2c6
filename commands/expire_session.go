package commands

import (
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// ExpireSession records that a session was over at its deadline. One that ended before stays as it is.
type ExpireSession struct {
	Unconditional[Session]

	SessionID uuid.UUID
}

// Stream implements Command.
func (c ExpireSession) Stream() events.StreamID { return events.SessionStream(c.SessionID) }

// Decide implements Command.
func (c ExpireSession) Decide(r Request, s Session, _ Nothing) ([]events.Event, error) {
	switch {
	case !s.Exists || s.Expired:
		return nil, nil
	case r.At.Before(s.Clock.ExpiresAt):
		return nil, fmt.Errorf("session %s %w", c.SessionID, ErrEarly)
	}
	return []events.Event{events.SessionExpired(s.state(c.SessionID, s.Clock))}, nil
}
