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
	Exists   bool
	AgentID  uuid.UUID
	ServerID string
	Name     string
	Metadata json.RawMessage
	At       time.Time // when it was made
	Created  events.Position
	// Cleared is the position of the last clear or delete, and Deleted that of the last deletion: what lies before is gone.
	Cleared, Deleted events.Position
}

// Apply implements State. A world that was deleted may be created again.
func (w World) Apply(e events.Recorded) World {
	switch f := e.Event.(type) {
	case events.WorldCreated:
		w.Exists, w.AgentID, w.ServerID, w.Name, w.Metadata = true, f.AgentID, f.ServerID, f.Name, f.Metadata
		w.At, w.Created = e.Meta.At, e.Position
	case events.WorldUpdated:
		w.Name, w.Metadata = f.Name, f.Metadata
	case events.WorldCleared:
		w.Cleared = e.Position
	case events.WorldDeleted:
		return World{Cleared: e.Position, Deleted: e.Position}
	}
	return w
}

// alive tells whether the world is still there after what happened to its agent.
func (w World) alive(ctx context.Context, states *States) (bool, error) {
	if !w.Exists {
		return false, nil
	}
	a, err := states.Agent(ctx, w.AgentID)
	return w.Created > a.Deleted, err
}

func noWorld(id uuid.UUID) error { return fmt.Errorf("world %s %w", id, ErrNotFound) }
