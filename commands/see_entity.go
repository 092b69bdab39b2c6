package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// maxNames bounds the names under which an agent knows somebody: the first ones stay, and the last one.
const maxNames = 10

// SeeEntity lets an agent know somebody, by these names besides those that it knows already. Metadata is kept where it is
// given.
type SeeEntity struct {
	EntityID  uuid.UUID
	AgentID   uuid.UUID
	SubjectID uuid.UUID
	Names     []string
	Metadata  json.RawMessage
	// OnlyNew leaves an entity unchanged that the agent knows already.
	OnlyNew bool
}

func (SeeEntity) begins() {}

// Stream implements Command.
func (c SeeEntity) Stream() events.StreamID { return events.EntityStream(c.EntityID) }

// Admit implements Command: the agent exists. Whom it knew before it was deleted it does not know.
func (c SeeEntity) Admit(ctx context.Context, states *States, n Entity) (known bool, err error) {
	if err := states.agentExists(ctx, c.AgentID); err != nil {
		return false, err
	}
	return n.alive(ctx, states)
}

// Decide implements Command.
func (c SeeEntity) Decide(_ Request, n Entity, known bool) ([]events.Event, error) {
	if !known {
		n = Entity{AgentID: c.AgentID}
	}
	if n.AgentID != c.AgentID {
		return nil, fmt.Errorf("entity %s: %w: another agent knows it", c.EntityID, ErrRefused)
	}
	if known && c.OnlyNew {
		return nil, nil
	}
	names, metadata := n.Names, n.Metadata
	for _, name := range c.Names {
		if name != "" && !slices.Contains(names, name) {
			names = append(names[:min(len(names), maxNames-1):min(len(names), maxNames-1)], name)
		}
	}
	if c.Metadata != nil {
		metadata = c.Metadata
	}
	if known && slices.Equal(names, n.Names) && sameJSON(metadata, n.Metadata) {
		return nil, nil
	}
	return []events.Event{events.EntitySeen{
		EntityID: c.EntityID, AgentID: c.AgentID, SubjectID: c.SubjectID, Names: names, Metadata: metadata,
	}}, nil
}
