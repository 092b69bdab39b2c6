package httpapi

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/problem"
)

type worldList struct {
	Worlds []queries.World `json:"worlds"`
}

func (a *memoryAPI) allWorlds(c *call, in *PageQuery) (worldList, error) {
	return a.worldsOf(c, uuid.Nil, *in)
}

func (a *memoryAPI) worlds(c *call, in *AgentList) (worldList, error) {
	return a.worldsOf(c, in.AgentID.UUID, in.PageQuery)
}

func (a *memoryAPI) worldsOf(c *call, agent uuid.UUID, in PageQuery) (worldList, error) {
	page, err := in.page()
	if err != nil {
		return worldList{}, err
	}
	found, total, err := a.Queries.Worlds(c, agent, page)
	c.total = total
	return worldList{list(found)}, err
}

type newWorld struct {
	AgentPath
	Body struct {
		Name     text   `json:"name"`
		WorldID  text   `json:"worldId" doc:"A world that the agent is to know; it is made where there is none."`
		ServerID text   `json:"serverId"`
		Metadata object `json:"metadata"`
	}
}

type worldAnswer struct {
	World queries.World `json:"world"`
}

// createWorld makes a world or, where the client names one, lets the agent know it: agents share a world by a room each.
func (a *memoryAPI) createWorld(c *call, in *newWorld) (worldAnswer, error) {
	b, agent := in.Body, in.AgentID.UUID
	named, err := optionalID("worldId", b.WorldID, uuid.Nil)
	if err != nil {
		return worldAnswer{}, err
	}
	if b.Name == "" && named == uuid.Nil {
		return worldAnswer{}, problem.Invalid("World name is required")
	}
	world := named
	if named == uuid.Nil {
		world = events.UniqueUUID(agent, "world-"+c.newID("world").String())
	}
	if _, err := run(c, commands.CreateWorld{
		WorldID: world, AgentID: agent, ServerID: or(b.ServerID, serverOf(c.request().At)),
		Name: or(b.Name, "World "+named.String()[:8]), Metadata: b.Metadata.raw(),
	}); err != nil {
		return worldAnswer{}, err
	}
	known, err := a.Env.States.World(c, world)
	if err == nil && known.AgentID != agent {
		_, err = run(c, commands.CreateRoom{
			RoomID: events.UniqueUUID(agent, world.String()), AgentID: agent, WorldID: world, Name: known.Name,
			Type: "WORLD", Source: "client", Entities: []uuid.UUID{agent},
		})
	}
	return worldAnswer{queries.World{
		ID: world, AgentID: known.AgentID, Name: known.Name, Metadata: orNull(known.Metadata), ServerID: known.ServerID, CreatedAt: iso(known.At),
	}}, err
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

type worldPatch struct {
	AgentPath
	WorldID id `path:"worldId"`
	Body    struct {
		Name     part[text] `json:"name"`
		Metadata object     `json:"metadata" doc:"Its members replace those that are there."`
		Settings object     `json:"settings" doc:"The member settings of the metadata."`
	}
}

func (a *memoryAPI) updateWorld(c *call, in *worldPatch) (worldAnswer, error) {
	patch := in.Body.Metadata.fields()
	if in.Body.Settings != nil {
		if patch == nil {
			patch = map[string]json.RawMessage{}
		}
		patch["settings"] = in.Body.Settings.raw()
	}
	var metadata json.RawMessage
	if patch != nil {
		var err error
		if metadata, err = json.Marshal(patch); err != nil {
			return worldAnswer{}, err
		}
	}
	if _, err := run(c, commands.UpdateWorld{
		WorldID: in.WorldID.UUID, AgentID: in.AgentID.UUID, Name: (*string)(in.Body.Name.value), Metadata: metadata,
	}); err != nil {
		return worldAnswer{}, err
	}
	c.settle()
	found, err := a.Queries.World(c, in.WorldID.UUID)
	return worldAnswer{found}, err
}
