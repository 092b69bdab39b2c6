package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// CreateAgent makes an agent, stopped. One that exists already stays as it is.
type CreateAgent struct {
	Unconditional[Agent]

	AgentID   uuid.UUID
	Character events.Character
}

func (CreateAgent) begins() {}

// Stream implements Command.
func (c CreateAgent) Stream() events.StreamID { return events.AgentStream(c.AgentID) }

// Decide implements Command.
func (c CreateAgent) Decide(_ Request, a Agent, _ Nothing) ([]events.Event, error) {
	if a.Exists {
		return nil, nil
	}
	return []events.Event{events.AgentCreated{AgentID: c.AgentID, Character: c.Character}}, nil
}
