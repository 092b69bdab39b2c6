package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// ClearMemories removes every memory of an agent.
type ClearMemories struct {
	Unconditional[Agent]

	AgentID uuid.UUID
}

// Stream implements Command.
func (c ClearMemories) Stream() events.StreamID { return events.AgentStream(c.AgentID) }

// Decide implements Command.
func (c ClearMemories) Decide(_ Request, a Agent, _ Nothing) ([]events.Event, error) {
	if !a.Exists {
		return nil, noAgent(c.AgentID)
	}
	return []events.Event{events.AgentMemoriesCleared{AgentID: c.AgentID}}, nil
}
