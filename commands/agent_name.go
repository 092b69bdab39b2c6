package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// AgentName is what commands know of a name that agents may bear: which agent has claimed it, and when.
type AgentName struct {
	AgentID uuid.UUID // uuid.Nil where no agent has claimed it
	at      time.Time
}

// Apply implements State.
func (n AgentName) Apply(e events.Recorded) AgentName {
	switch f := e.Event.(type) {
	case events.AgentNameTaken:
		return AgentName{AgentID: f.AgentID, at: e.Meta.At}
	case events.AgentNameReleased:
		return AgentName{}
	}
	return n
}

// claimTime is how long a claim counts although its agent does not bear the name. No request takes as long, so that a request
// that has claimed a name records the agent before another request can claim it, and a request that is broken off in between blocks
// the name for no longer.
const claimTime = time.Minute

// ErrNameTaken is what a NameTaken wraps.
var ErrNameTaken = errors.New("the name is taken")

// NameTaken is the error of a wish for a name that another agent bears, or is about to.
type NameTaken struct{ AgentID uuid.UUID }

// Error implements error.
func (e *NameTaken) Error() string { return fmt.Sprintf("%s by agent %s", ErrNameTaken, e.AgentID) }

// Unwrap returns ErrNameTaken.
func (e *NameTaken) Unwrap() error { return ErrNameTaken }

// TakeAgentName claims a name for an agent before the agent is created or renamed. It fails with a NameTaken where another agent
// has claimed the name and bears it, or did so less than a minute ago.
type TakeAgentName struct {
	Name    string
	AgentID uuid.UUID
}

// Stream implements Command.
func (c TakeAgentName) Stream() events.StreamID { return events.AgentNameStream(c.Name) }

// Admit implements Command: it returns the agent that has claimed the name last.
func (c TakeAgentName) Admit(ctx context.Context, states *States, n AgentName) (Agent, error) {
	if n.AgentID == uuid.Nil {
		return Agent{}, nil
	}
	return states.agentInLog(ctx, n.AgentID)
}

// Decide implements Command. A claim that the agent has already is made anew unless it bears the name: the minute begins again.
func (c TakeAgentName) Decide(r Request, n AgentName, claimed Agent) ([]events.Event, error) {
	switch bears := claimed.bears(c.Name); {
	case n.AgentID == c.AgentID && bears:
		return nil, nil
	case n.AgentID != c.AgentID && (bears || r.At.Before(n.at.Add(claimTime))):
		return nil, &NameTaken{n.AgentID}
	}
	return []events.Event{events.AgentNameTaken{AgentNameID: events.AgentNameID(c.Name), AgentID: c.AgentID}}, nil
}

// ReleaseAgentName ends an agent's claim to a name that it no longer bears. A claim that was made after the request stays: the agent
// is being given the name again.
type ReleaseAgentName struct {
	Name    string
	AgentID uuid.UUID
}

// Stream implements Command.
func (c ReleaseAgentName) Stream() events.StreamID { return events.AgentNameStream(c.Name) }

// Admit implements Command: it returns the agent.
func (c ReleaseAgentName) Admit(ctx context.Context, states *States, _ AgentName) (Agent, error) {
	return states.agentInLog(ctx, c.AgentID)
}

// Decide implements Command.
func (c ReleaseAgentName) Decide(r Request, n AgentName, a Agent) ([]events.Event, error) {
	if n.AgentID != c.AgentID || n.at.After(r.At) || a.bears(c.Name) {
		return nil, nil
	}
	return []events.Event{events.AgentNameReleased{AgentNameID: events.AgentNameID(c.Name), AgentID: c.AgentID}}, nil
}
