package commands

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// Room is what commands know of a room.
type Room struct {
	Life      // of what is remembered there
	AgentID   uuid.UUID
	WorldID   uuid.UUID
	ChannelID uuid.UUID
	// Entities take part by the room's own stream: since it was made or, in old logs, since they joined. The slice is never changed
	// in place: folds are shared.
	Entities []uuid.UUID
}

// Apply implements State. A room that was deleted may be created again.
func (r Room) Apply(e events.Recorded) Room {
	switch f := e.Event.(type) {
	case events.RoomCreated:
		return Room{
			Life: r.madeAt(e.Position), AgentID: f.AgentID, WorldID: f.WorldID, ChannelID: f.ChannelID, Entities: f.Entities,
		}
	case events.RoomJoined:
		if !slices.Contains(r.Entities, f.EntityID) {
			r.Entities = append(slices.Clip(r.Entities), f.EntityID)
		}
	case events.RoomCleared:
		r.Life = r.clearedAt(e.Position)
	case events.RoomDeleted:
		return Room{Life: r.end()}
	}
	return r
}

// has reports whether an entity takes part, by the stream of its membership or by the room's own.
func (r Room) has(entity uuid.UUID, m Membership) bool {
	return m.Joined && m.At > r.made || slices.Contains(r.Entities, entity)
}

// alive tells whether the room is still there after what happened to its agent, its world and its channel.
func (r Room) alive(ctx context.Context, states *States) (bool, error) {
	if !r.Exists {
		return false, nil
	}
	a, err := states.Agent(ctx, r.AgentID)
	if err != nil || !a.holds(r.made) {
		return false, err
	}
	if r.WorldID != uuid.Nil {
		if w, err := states.World(ctx, r.WorldID); err != nil || !w.holds(r.made) {
			return false, err
		}
	}
	if r.ChannelID != uuid.Nil {
		if c, err := states.Channel(ctx, r.ChannelID); err != nil || !c.holds(r.made) {
			return false, err
		}
	}
	return true, nil
}

func noRoom(id uuid.UUID) error { return fmt.Errorf("room %s %w", id, ErrNotFound) }
