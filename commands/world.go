package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"annals/events"
)

// World is what commands know of a world.
type World struct {
	Life     // of its rooms and, where it is cleared, of what is remembered there
	AgentID  uuid.UUID
	ServerID string
	Name     string
	Metadata json.RawMessage
	At       time.Time // when it was made
}

// Apply implements State. A world that was deleted may be created again.
func (w World) Apply(e events.Recorded) World {
	switch f := e.Event.(type) {
	case events.WorldCreated:
		w.Life, w.AgentID, w.ServerID, w.Name, w.Metadata = w.madeAt(e.Position), f.AgentID, f.ServerID, f.Name, f.Metadata
		w.At = e.Meta.At
	case events.WorldUpdated:
		w.Name, w.Metadata = f.Name, f.Metadata
	case events.WorldCleared:
		w.Life = w.clearedAt(e.Position)
	case events.WorldDeleted:
		return World{Life: w.end()}
	}
	return w
}

// alive tells whether the world is still there after what happened to its agent.
func (w World) alive(ctx context.Context, states *States) (bool, error) {
	if !w.Exists {
		return false, nil
	}
	a, err := states.Agent(ctx, w.AgentID)
	return a.holds(w.made), err
}

func noWorld(id uuid.UUID) error { return fmt.Errorf("world %s %w", id, ErrNotFound) }
