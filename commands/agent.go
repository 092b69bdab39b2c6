package commands

import (
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// Agent is what commands know of an agent.
type Agent struct {
	Exists    bool
	Running   bool
	Character events.Character
}

// Apply implements State. An agent that was deleted may be created again.
func (a Agent) Apply(e events.Recorded) Agent {
	switch e := e.Event.(type) {
	case events.AgentCreated:
		return Agent{Exists: true, Character: e.Character}
	case events.AgentUpdated:
		a.Character = e.Character
	case events.AgentStarted:
		a.Running = true
	case events.AgentStopped:
		a.Running = false
	case events.AgentDeleted:
		return Agent{}
	}
	return a
}

func noAgent(id uuid.UUID) error { return fmt.Errorf("agent %s %w", id, ErrNotFound) }
