package commands

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
)

// UpdateWorld changes what is given of an agent's world; what is nil stays. Keys of the metadata replace those that are
// there.
type UpdateWorld struct {
	WorldID  uuid.UUID
	AgentID  uuid.UUID
	Name     *string
	Metadata json.RawMessage // an object
}

// Stream implements Command.
func (c UpdateWorld) Stream() events.StreamID { return events.WorldStream(c.WorldID) }

// Admit implements Command.
func (c UpdateWorld) Admit(ctx context.Context, states *States, w World) (bool, error) {
	return w.alive(ctx, states)
}

// Decide implements Command.
func (c UpdateWorld) Decide(_ Request, w World, alive bool) ([]events.Event, error) {
	if !alive || w.AgentID != c.AgentID {
		return nil, noWorld(c.WorldID)
	}
	name, metadata := w.Name, w.Metadata
	if c.Name != nil {
		name = *c.Name
	}
	if c.Metadata != nil {
		var err error
		if metadata, err = overlay(w.Metadata, c.Metadata); err != nil {
			return nil, err
		}
	}
	if name == w.Name && sameJSON(metadata, w.Metadata) {
		return nil, nil
	}
	return []events.Event{events.WorldUpdated{WorldID: c.WorldID, AgentID: c.AgentID, Name: name, Metadata: metadata}}, nil
}
