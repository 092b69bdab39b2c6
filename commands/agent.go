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
	Disabled  bool
	Character events.Character
	// Deleted is the position of the last deletion, and Forgotten that of the last clear of its memories or deletion: what
	// lies before them is gone.
	Deleted, Forgotten events.Position
}

// Apply implements State. An agent that was deleted may be created again.
func (a Agent) Apply(e events.Recorded) Agent {
	switch fact := e.Event.(type) {
	case events.AgentCreated:
		a.Exists, a.Running, a.Disabled, a.Character = true, false, false, fact.Character
	case events.AgentUpdated:
		a.Character, a.Disabled = fact.Character, fact.Disabled
	case events.AgentStarted:
		a.Running = true
	case events.AgentStopped:
		a.Running = false
	case events.AgentMemoriesCleared:
		a.Forgotten = e.Position
	case events.AgentDeleted:
		return Agent{Deleted: e.Position, Forgotten: e.Position}
	}
	return a
}

func noAgent(id uuid.UUID) error { return fmt.Errorf("agent %s %w", id, ErrNotFound) }
