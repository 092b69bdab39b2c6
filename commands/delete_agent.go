package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// DeleteAgent removes an agent, stopping it first. What it said in channels stays.
type DeleteAgent struct {
	Unconditional[Agent]

	AgentID uuid.UUID
}

// Stream implements Command.
func (c DeleteAgent) Stream() events.StreamID { return events.AgentStream(c.AgentID) }

// Decide implements Command.
func (c DeleteAgent) Decide(_ Request, a Agent, _ Nothing) ([]events.Event, error) {
	if !a.Exists {
		return nil, noAgent(c.AgentID)
	}
	var facts []events.Event
	if a.Running {
		facts = append(facts, events.AgentStopped{AgentID: c.AgentID})
	}
	return append(facts, events.AgentDeleted{AgentID: c.AgentID}), nil
}
