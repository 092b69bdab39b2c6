package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// What commands about things with a deadline answer besides.
var (
	// ErrEnded: the thing is over, since its time ran out.
	ErrEnded = errors.New("has expired")
	// ErrEarly: the thing is not due to end yet.
	ErrEarly = errors.New("is not due yet")
)

// Session is what commands know of a session: its last event has all of it.
type Session struct {
	Exists, Expired            bool
	ChannelID, AgentID, UserID uuid.UUID
	Clock                      events.SessionClock
	last                       events.Position // of its last event
}

// state returns what an event has of a session, with the clock that it has from then on.
func (s Session) state(id uuid.UUID, clock events.SessionClock) events.SessionState {
	return events.SessionState{SessionID: id, ChannelID: s.ChannelID, AgentID: s.AgentID, UserID: s.UserID, Clock: clock}
}

func sessionIn(f events.SessionState, expired bool) Session {
	return Session{Exists: true, Expired: expired, ChannelID: f.ChannelID, AgentID: f.AgentID, UserID: f.UserID, Clock: f.Clock}
}

func (Session) wholeInLast() {}

// Apply implements State.
func (s Session) Apply(e events.Recorded) Session {
	s = s.apply(e)
	s.last = e.Position
	return s
}

func (s Session) apply(e events.Recorded) Session {
	switch f := e.Event.(type) {
	case events.SessionCreated:
		return Session{Exists: true, ChannelID: f.ChannelID, AgentID: f.AgentID, UserID: f.UserID, Clock: f.Clock}
	case events.SessionUsed:
		return sessionIn(events.SessionState(f), false)
	case events.SessionRenewed:
		return sessionIn(events.SessionState(f), false)
	case events.SessionTimeoutChanged:
		return sessionIn(events.SessionState(f), false)
	case events.SessionExpired:
		return sessionIn(events.SessionState(f), true)
	case events.SessionDeleted:
		return Session{}
	}
	return s
}

// LoadSession reads a session. One that is gone with its agent is not there.
func LoadSession(ctx context.Context, env Env, id uuid.UUID) (Session, error) {
	s, err := Load[Session](ctx, env, events.SessionStream(id))
	if err != nil || !s.Exists {
		return s, err
	}
	a, err := env.States.Agent(ctx, s.AgentID)
	if err != nil || a.holds(s.last) {
		return s, err
	}
	return Session{}, nil
}

// withItsAgent is embedded by commands about sessions that are not gone with their agents.
type withItsAgent struct{}

// Admit implements Command.
func (withItsAgent) Admit(ctx context.Context, states *States, s Session) (Nothing, error) {
	a, err := states.Agent(ctx, s.AgentID)
	if err == nil && s.Exists && !a.holds(s.last) {
		err = fmt.Errorf("session of agent %s %w", s.AgentID, ErrNotFound)
	}
	return Nothing{}, err
}

// open refuses what is asked of a session that is over, or was never there.
func (s Session) open(id uuid.UUID, at time.Time) error {
	switch {
	case !s.Exists:
		return fmt.Errorf("session %s %w", id, ErrNotFound)
	case s.Expired || !at.Before(s.Clock.ExpiresAt):
		return fmt.Errorf("session %s %w at %s", id, ErrEnded, s.Clock.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return nil
}

// ended returns a clock whose time runs out when a timeout that began at a time is over, but not after the longest duration.
func ended(c events.SessionClock, from time.Time) events.SessionClock {
	c.ExpiresAt = from.Add(minutes(c.Timeout.TimeoutMinutes))
	if last := c.CreatedAt.Add(minutes(c.Timeout.MaxDurationMinutes)); last.Before(c.ExpiresAt) {
		c.ExpiresAt = last
	}
	return c
}

func minutes(n float64) time.Duration {
	return time.Duration(n * float64(time.Minute)).Truncate(time.Millisecond)
}

// used returns the clock after a use: the time begins anew where the session renews itself.
func used(c events.SessionClock, at time.Time) events.SessionClock {
	c.LastActivity = at
	if c.Timeout.AutoRenew {
		c.RenewalCount++
		c = ended(c, at)
	}
	return c
}
