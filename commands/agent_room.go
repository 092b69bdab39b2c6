package commands

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"annals/events"
)

// AgentRoom is how an agent sees a channel (CONTRACT 2.2 and 3): as a room of its own, in a world of its own, with entities of
// its own, whose ids are derived from the agent's and those that all others use.
type AgentRoom struct {
	AgentID   uuid.UUID
	ChannelID uuid.UUID
	ServerID  uuid.UUID
	// Type and Source of the room, where it is made; the channel's type where none is given.
	Type, Source string
}

// RoomID is the agent's room for the channel.
func (v AgentRoom) RoomID() uuid.UUID { return events.UniqueUUID(v.AgentID, v.ChannelID.String()) }

// EntityID is how the agent knows a person or an agent.
func (v AgentRoom) EntityID(who uuid.UUID) uuid.UUID {
	return events.UniqueUUID(v.AgentID, who.String())
}

// Open makes what is not there of world and room, lets the agent take part in it, and tells where the last fact is. It fails
// with ErrNotFound where there is no such channel.
func (v AgentRoom) Open(ctx context.Context, b Env, r Request) (last Result, err error) {
	room, err := b.States.Room(ctx, v.RoomID())
	if err != nil {
		return last, err
	}
	if there, err := room.alive(ctx, b.States); err != nil || there && room.AgentID == v.AgentID {
		return last, err
	}
	channel, err := b.States.Channel(ctx, v.ChannelID)
	if err != nil {
		return last, err
	}
	if !channel.Exists {
		return last, noChannel(v.ChannelID)
	}
	server, err := b.States.Server(ctx, v.ServerID)
	if err != nil {
		return last, err
	}
	world := events.UniqueUUID(v.AgentID, v.ServerID.String())
	if _, err := Handle(ctx, b, r, &CreateWorld{WorldID: world, AgentID: v.AgentID, ServerID: v.ServerID.String(), Name: server.Name}); err != nil {
		return last, err
	}
	if v.Type == "" {
		v.Type = channel.Type
	}
	return Handle(ctx, b, r, &CreateRoom{
		RoomID: v.RoomID(), AgentID: v.AgentID, WorldID: world, ChannelID: v.ChannelID, ServerID: v.ServerID.String(),
		Name: channel.Name, Type: v.Type, Source: v.Source, Entities: []uuid.UUID{v.AgentID},
	})
}

// Meet lets somebody be known to the agent, and take part in the room, which is open.
func (v AgentRoom) Meet(ctx context.Context, b Env, r Request, who uuid.UUID, name string) (entity uuid.UUID, err error) {
	entity = v.EntityID(who)
	known, err := b.States.Entity(ctx, entity)
	if err != nil {
		return entity, err
	}
	agent, err := b.States.Agent(ctx, v.AgentID)
	if err != nil {
		return entity, err
	}
	if known.Seen <= agent.Deleted || name != "" && !slices.Contains(known.Names, name) {
		see := &SeeEntity{EntityID: entity, AgentID: v.AgentID, SubjectID: who, Names: []string{name}}
		if _, err := Handle(ctx, b, r, see); err != nil {
			return entity, err
		}
	}
	room, err := b.States.Room(ctx, v.RoomID())
	if err != nil || slices.Contains(room.Entities, entity) {
		return entity, err
	}
	_, err = Handle(ctx, b, r, &JoinRoom{RoomID: v.RoomID(), AgentID: v.AgentID, EntityID: entity})
	return entity, err
}

// OpenSelf makes the room that an agent has for itself, and lets it know itself, where either is missing.
func OpenSelf(ctx context.Context, b Env, r Request, agentID uuid.UUID) (Result, error) {
	agent, err := b.States.Agent(ctx, agentID)
	if err != nil {
		return Result{}, err
	}
	room, err := b.States.Room(ctx, agentID)
	if err != nil {
		return Result{}, err
	}
	if there, err := room.alive(ctx, b.States); err != nil || there {
		return Result{}, err
	}
	see := &SeeEntity{EntityID: agentID, AgentID: agentID, SubjectID: agentID, Names: []string{agent.Character.Name}}
	if _, err := Handle(ctx, b, r, see); err != nil {
		return Result{}, err
	}
	return Handle(ctx, b, r, &CreateRoom{
		RoomID: agentID, AgentID: agentID, ServerID: agentID.String(), Name: agent.Character.Name, Type: "SELF", Source: "elizaos",
		Entities: []uuid.UUID{agentID},
	})
}
