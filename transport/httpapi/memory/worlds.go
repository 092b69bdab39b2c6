package memory

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

type worldList struct {
	Worlds []queries.World `json:"worlds"`
	Next   string          `json:"next,omitempty" doc:"Where the page ended early: the before or after of the next one."`
}

func (a *api) allWorlds(c *frame.Call, in *frame.PageQuery) (worldList, error) {
	return a.worldsOf(c, uuid.Nil, *in)
}

func (a *api) worlds(c *frame.Call, in *AgentList) (worldList, error) {
	return a.worldsOf(c, in.AgentID.UUID, in.PageQuery)
}

func (a *api) worldsOf(c *frame.Call, agent uuid.UUID, in frame.PageQuery) (worldList, error) {
	page, err := in.Page(c.PlacesOf(queries.AWorld))
	if err != nil {
		return worldList{}, err
	}
	found, total, err := a.Queries.Worlds(c, agent, page)
	c.Total = total
	return worldList{frame.List(found), frame.NextOf(c, page, false, found, func(w queries.World) uuid.UUID { return w.ID })}, err
}

type newWorld struct {
	frame.AgentPath
	Body struct {
		Name    frame.Text `json:"name"`
		WorldID frame.Text `json:"worldId" doc:"A world that the agent is to know; it is made where there is none."`
		ServerNames
		Metadata frame.Object `json:"metadata"`
	}
}

type worldAnswer struct {
	World queries.World `json:"world"`
}

// createWorld makes a world or, where the client names one, lets the agent know it: agents share a world by a room each.
func (a *api) createWorld(c *frame.Call, in *newWorld) (worldAnswer, error) {
	b, agent := in.Body, in.AgentID.UUID
	named, err := frame.OptionalID("worldId", b.WorldID, uuid.Nil)
	if err != nil {
		return worldAnswer{}, err
	}
	if b.Name == "" && named == uuid.Nil {
		return worldAnswer{}, problem.Invalid("World name is required")
	}
	world := named
	if named == uuid.Nil {
		world = events.UniqueUUID(agent, "world-"+c.NewID("world").String())
	}
	if _, err := frame.Run(c, commands.CreateWorld{
		WorldID: world, AgentID: agent, ServerID: b.server(c.Request().At),
		Name: frame.Or(b.Name, "World "+named.String()[:8]), Metadata: b.Metadata.Raw(),
	}); err != nil {
		return worldAnswer{}, err
	}
	known, err := a.Env.States.World(c, world)
	if err == nil && known.AgentID != agent {
		_, err = frame.Run(c, commands.CreateRoom{
			RoomID: events.UniqueUUID(agent, world.String()), AgentID: agent, WorldID: world, Name: known.Name,
			Type: "WORLD", Source: "client", Entities: []uuid.UUID{agent},
		})
	}
	return worldAnswer{queries.World{
		ID: world, AgentID: known.AgentID, Name: known.Name, Metadata: orNull(known.Metadata), MessageServerID: queries.MessageServer(known.ServerID), ServerID: known.ServerID, CreatedAt: frame.ISO(known.At),
	}}, err
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

type worldPatch struct {
	frame.AgentPath
	WorldID frame.ID `path:"worldId"`
	Body    struct {
		Name     frame.Part[frame.Text] `json:"name"`
		Metadata frame.Object           `json:"metadata" doc:"Its members replace those that are there."`
		Settings frame.Object           `json:"settings" doc:"The member settings of the metadata."`
	}
}

func (a *api) updateWorld(c *frame.Call, in *worldPatch) (worldAnswer, error) {
	patch := in.Body.Metadata.Fields()
	if in.Body.Settings != nil {
		if patch == nil {
			patch = map[string]json.RawMessage{}
		}
		patch["settings"] = in.Body.Settings.Raw()
	}
	var metadata json.RawMessage
	if patch != nil {
		var err error
		if metadata, err = json.Marshal(patch); err != nil {
			return worldAnswer{}, err
		}
	}
	if _, err := frame.Run(c, commands.UpdateWorld{
		WorldID: in.WorldID.UUID, AgentID: in.AgentID.UUID, Name: (*string)(in.Body.Name.Value), Metadata: metadata,
	}); err != nil {
		return worldAnswer{}, err
	}
	c.Settle()
	found, err := a.Queries.World(c, in.WorldID.UUID)
	return worldAnswer{found}, err
}
