package memory

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

type roomList struct {
	Rooms []queries.Room `json:"rooms"`
}

// AgentList asks for a part of a list of an agent.
type AgentList struct {
	frame.AgentPath
	frame.PageQuery
}

func (a *api) rooms(c *frame.Call, in *AgentList) (roomList, error) {
	page, err := in.Page()
	if err != nil {
		return roomList{}, err
	}
	found, total, err := a.Queries.Rooms(c, in.AgentID.UUID, page)
	c.Total = total
	return roomList{frame.List(found)}, err
}

// roomAnswer is a room as it is shown alone.
type roomAnswer struct {
	ID        uuid.UUID       `json:"id"`
	Name      string          `json:"name"`
	ChannelID *uuid.UUID      `json:"channelId" nullable:"true"`
	AgentID   uuid.UUID       `json:"agentId"`
	ServerID  string          `json:"serverId"`
	WorldID   *uuid.UUID      `json:"worldId" nullable:"true"`
	Type      string          `json:"type"`
	Source    string          `json:"source"`
	Metadata  json.RawMessage `json:"metadata"`
	WorldName string          `json:"worldName,omitempty"`
}

func (a *api) room(c *frame.Call, in *RoomPath) (roomAnswer, error) {
	room, err := a.roomOf(c, in.AgentID.UUID, in.RoomID.UUID)
	if err != nil {
		return roomAnswer{}, err
	}
	r, err := a.Queries.Room(c, in.AgentID.UUID, room)
	c.Revision(r.Revision)
	if r.ID == r.AgentID { // its own, which ElizaOS shows as channel and world of itself
		r.ChannelID, r.WorldID = &r.ID, &r.ID
	}
	return roomAnswer{
		ID: r.ID, Name: r.Name, ChannelID: r.ChannelID, AgentID: r.AgentID, ServerID: r.ServerID, WorldID: r.WorldID, Type: r.Type,
		Source: r.Source, Metadata: r.Metadata, WorldName: r.WorldName,
	}, err
}

type newRoom struct {
	frame.AgentPath
	Body struct {
		Name     frame.Text   `json:"name"`
		Type     frame.Text   `json:"type" doc:"DM where it is not given."`
		Source   frame.Text   `json:"source" doc:"client where it is not given."`
		WorldID  frame.Text   `json:"worldId" doc:"A world of its own is made where it is not given."`
		ServerID frame.Text   `json:"serverId"`
		Metadata frame.Object `json:"metadata"`
	}
}

type roomMade struct {
	ID        uuid.UUID       `json:"id"`
	Name      string          `json:"name"`
	AgentID   uuid.UUID       `json:"agentId"`
	CreatedAt queries.Millis  `json:"createdAt"`
	Source    string          `json:"source"`
	Type      string          `json:"type"`
	WorldID   uuid.UUID       `json:"worldId"`
	ServerID  string          `json:"serverId"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
}

func (a *api) createRoom(c *frame.Call, in *newRoom) (roomMade, error) {
	b, agent := in.Body, in.AgentID.UUID
	if b.Name == "" {
		return roomMade{}, problem.Invalid("Room name is required")
	}
	id := events.UniqueUUID(agent, "room-"+c.NewID("room").String())
	server := frame.Or(b.ServerID, serverOf(c.Request().At))
	world, err := frame.OptionalID("worldId", b.WorldID, uuid.Nil)
	if err != nil {
		return roomMade{}, err
	}
	own := world == uuid.Nil
	if own {
		world = events.UniqueUUID(agent, "world-"+c.NewID("world").String())
	}
	cmd := commands.CreateRoom{
		RoomID: id, AgentID: agent, WorldID: world, ChannelID: id, ServerID: server, Name: string(b.Name), Type: frame.Or(b.Type, "DM"),
		Source: frame.Or(b.Source, "client"), Metadata: b.Metadata.Raw(), Entities: []uuid.UUID{agent},
	}
	var r commands.Result
	if own {
		in := commands.CreateWorld{WorldID: world, AgentID: agent, ServerID: server, Name: "World for " + string(b.Name)}
		r, err = commands.HandleBoth(c, a.O.Env, c.Request(), in, cmd)
	} else {
		r, err = commands.Handle(c, a.O.Env, c.Request(), cmd)
	}
	return roomMade{
		ID: id, Name: cmd.Name, AgentID: agent, CreatedAt: queries.Millis(r.At.UnixMilli()), Source: cmd.Source, Type: cmd.Type,
		WorldID: world, ServerID: frame.Or(b.ServerID, serverOf(r.At)), Metadata: cmd.Metadata,
	}, c.Wrote(r, err)
}

// serverOf is the server, as recorded, of what is made at a time without one.
func serverOf(made time.Time) string { return "server-" + strconv.FormatInt(made.UnixMilli(), 10) }
