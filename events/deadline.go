package events

import (
	"time"

	"github.com/google/uuid"
)

// Deadline is when something ends by itself, and the command that ends it then.
type Deadline struct {
	ID      uuid.UUID // of the thing
	Due     time.Time // zero once the thing has ended
	Command string
}

// Timed is an event that sets the deadline of a thing, or removes it: what must end by itself carries its deadline in its events.
type Timed interface {
	Event
	Deadline() Deadline
}

// The commands that end something when it is due.
const (
	ExpireSession = "ExpireSession"
	TimeOutJob    = "TimeOutJob"
)
