package commands

import (
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// Agent is what commands know of an agent.
type Agent struct {
	Life      // of its memories, where it is cleared
	Running   bool
	Disabled  bool
	Character events.Character
}

// Apply implements State. An agent that was deleted may be created again.
func (a Agent) Apply(e events.Recorded) Agent {
	switch fact := e.Event.(type) {
	case events.AgentCreated:
		a.Life, a.Running, a.Disabled, a.Character = a.madeAt(e.Position), false, false, fact.Character
	case events.AgentUpdated:
		a.Character, a.Disabled = fact.Character, fact.Disabled
	case events.AgentStarted:
		a.Running = true
	case events.AgentStopped:
		a.Running = false
	case events.AgentMemoriesCleared:
		a.Life = a.clearedAt(e.Position)
	case events.AgentDeleted:
		return Agent{Life: a.end()}
	}
	return a
}

// bears reports whether the agent exists and has the name.
func (a Agent) bears(name string) bool {
	return a.Exists && events.AgentNameKey(a.Character.Name) == events.AgentNameKey(name)
}

func noAgent(id uuid.UUID) error { return fmt.Errorf("agent %s %w", id, ErrNotFound) }
