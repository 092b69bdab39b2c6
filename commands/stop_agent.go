package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// StopAgent makes a running agent no longer take part. One that does not run is not found, as in ElizaOS.
type StopAgent struct {
	Unconditional[Agent]

	AgentID uuid.UUID
}

// Stream implements Command.
func (c StopAgent) Stream() events.StreamID { return events.AgentStream(c.AgentID) }

// Decide implements Command.
func (c StopAgent) Decide(_ Request, a Agent, _ Nothing) ([]events.Event, error) {
	if !a.Running {
		return nil, noAgent(c.AgentID)
	}
	return []events.Event{events.AgentStopped{AgentID: c.AgentID}}, nil
}
