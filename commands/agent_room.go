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
func (a AgentRoom) RoomID() uuid.UUID { return events.UniqueUUID(a.AgentID, a.ChannelID.String()) }

// EntityID is how the agent knows a person or an agent.
func (a AgentRoom) EntityID(who uuid.UUID) uuid.UUID {
	return events.UniqueUUID(a.AgentID, who.String())
}

// Open makes what is not there of world and room, lets the agent take part in it, and tells where the last fact is. It fails
// with ErrNotFound where there is no such channel.
func (a AgentRoom) Open(ctx context.Context, env Env, r Request) (last Result, err error) {
	room, err := env.States.Room(ctx, a.RoomID())
	if err != nil {
		return last, err
	}
	if there, err := room.alive(ctx, env.States); err != nil || there && room.AgentID == a.AgentID {
		return last, err
	}
	channel, err := env.States.Channel(ctx, a.ChannelID)
	if err != nil {
		return last, err
	}
	if !channel.Exists {
		return last, noChannel(a.ChannelID)
	}
	server, err := env.States.Server(ctx, a.ServerID)
	if err != nil {
		return last, err
	}
	world := events.UniqueUUID(a.AgentID, a.ServerID.String())
	if _, err := Handle(ctx, env, r, CreateWorld{WorldID: world, AgentID: a.AgentID, ServerID: a.ServerID.String(), Name: server.Name}); err != nil {
		return last, err
	}
	if a.Type == "" {
		a.Type = channel.Type
	}
	return Handle(ctx, env, r, CreateRoom{
		RoomID: a.RoomID(), AgentID: a.AgentID, WorldID: world, ChannelID: a.ChannelID, ServerID: a.ServerID.String(),
		NamedBy: channel.NamedBy, Name: channel.Name, Type: a.Type, Source: a.Source, Entities: []uuid.UUID{a.AgentID},
	})
}

// Meet lets somebody be known to the agent, and take part in the room, which is open.
func (a AgentRoom) Meet(ctx context.Context, env Env, r Request, who uuid.UUID, name string) (entity uuid.UUID, err error) {
	entity = a.EntityID(who)
	known, err := env.States.Entity(ctx, entity)
	if err != nil {
		return entity, err
	}
	there, err := known.alive(ctx, env.States)
	if err != nil {
		return entity, err
	}
	if !there || name != "" && !slices.Contains(known.Names, name) {
		see := SeeEntity{EntityID: entity, AgentID: a.AgentID, SubjectID: who, Names: []string{name}}
		if _, err := Handle(ctx, env, r, see); err != nil {
			return entity, err
		}
	}
	room, err := env.States.Room(ctx, a.RoomID())
	if err != nil {
		return entity, err
	}
	m, err := env.States.membership(ctx, events.OccupancyStream(a.RoomID(), entity))
	if err != nil || room.has(entity, m) {
		return entity, err
	}
	_, err = Handle(ctx, env, r, JoinRoom{RoomID: a.RoomID(), AgentID: a.AgentID, EntityID: entity})
	return entity, err
}

// SelfRoom is the room that an agent has for itself.
type SelfRoom struct {
	See    SeeEntity // the agent knows itself
	Create CreateRoom
}

// MissingSelfRoom returns what makes the room that an agent has for itself; nil where it is there.
func MissingSelfRoom(ctx context.Context, env Env, agentID uuid.UUID) (*SelfRoom, error) {
	agent, err := env.States.Agent(ctx, agentID)
	if err != nil {
		return nil, err
	}
	room, err := env.States.RoomNow(ctx, agentID)
	if err != nil || room.Exists {
		return nil, err
	}
	name := agent.Character.Name
	return &SelfRoom{
		See: SeeEntity{EntityID: agentID, AgentID: agentID, SubjectID: agentID, Names: []string{name}},
		Create: CreateRoom{
			RoomID: agentID, AgentID: agentID, ServerID: agentID.String(), Name: name, Type: "SELF", Source: "elizaos",
			Entities: []uuid.UUID{agentID},
		},
	}, nil
}

// OpenSelf makes the room that an agent has for itself, where it is missing.
func OpenSelf(ctx context.Context, env Env, r Request, agentID uuid.UUID) (Result, error) {
	self, err := MissingSelfRoom(ctx, env, agentID)
	if err != nil || self == nil {
		return Result{}, err
	}
	if _, err := Handle(ctx, env, r, self.See); err != nil {
		return Result{}, err
	}
	return Handle(ctx, env, r, self.Create)
}
