package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// StartAgent makes an agent take part, until it is stopped, across restarts of the server.
type StartAgent struct {
	Unconditional[Agent]

	AgentID uuid.UUID
}

// Stream implements Command.
func (c StartAgent) Stream() events.StreamID { return events.AgentStream(c.AgentID) }

// Decide implements Command.
func (c StartAgent) Decide(_ Request, a Agent, _ Nothing) ([]events.Event, error) {
	switch {
	case !a.Exists:
		return nil, noAgent(c.AgentID)
	case a.Running:
		return nil, nil
	}
	return []events.Event{events.AgentStarted{AgentID: c.AgentID}}, nil
}
