package memory

import (
	"cmp"
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
	Next  string         `json:"next,omitempty" doc:"Where the page ended early: the before or after of the next one."`
}

// AgentList asks for a part of a list of an agent.
type AgentList struct {
	frame.AgentPath
	frame.PageQuery
}

// rooms lists the rooms of a page world by world.
func (a *api) rooms(c *frame.Call, in *AgentList) (roomList, error) {
	page, err := in.Page(c.PlacesOf(queries.ARoom))
	if err != nil {
		return roomList{}, err
	}
	found, total, err := a.Queries.Rooms(c, in.AgentID.UUID, page)
	c.Total = total
	next := frame.NextOf(c, page, false, found, func(r queries.Room) uuid.UUID { return r.ID })
	queries.WorldByWorld(found)
	return roomList{frame.List(found), next}, err
}

// roomAnswer is a room as it is shown alone.
type roomAnswer struct {
	ID              uuid.UUID       `json:"id"`
	Name            string          `json:"name"`
	ChannelID       *uuid.UUID      `json:"channelId" nullable:"true"`
	AgentID         uuid.UUID       `json:"agentId"`
	MessageServerID *uuid.UUID      `json:"messageServerId,omitempty"`
	ServerID        string          `json:"serverId"`
	WorldID         *uuid.UUID      `json:"worldId" nullable:"true"`
	Type            string          `json:"type"`
	Source          string          `json:"source"`
	Metadata        json.RawMessage `json:"metadata"`
	WorldName       string          `json:"worldName,omitempty"`
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
		ID: r.ID, Name: r.Name, ChannelID: r.ChannelID, AgentID: r.AgentID, MessageServerID: r.MessageServerID, ServerID: r.ServerID, WorldID: r.WorldID, Type: r.Type,
		Source: r.Source, Metadata: r.Metadata, WorldName: r.WorldName,
	}, err
}

type newRoom struct {
	frame.AgentPath
	Body struct {
		Name    frame.Text `json:"name"`
		Type    frame.Text `json:"type" doc:"DM where it is not given."`
		Source  frame.Text `json:"source" doc:"client where it is not given."`
		WorldID frame.Text `json:"worldId" doc:"A world of its own is made where it is not given."`
		ServerNames
		Metadata frame.Object `json:"metadata"`
	}
}

type roomMade struct {
	ID              uuid.UUID       `json:"id"`
	Name            string          `json:"name"`
	AgentID         uuid.UUID       `json:"agentId"`
	CreatedAt       queries.Millis  `json:"createdAt"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	WorldID         uuid.UUID       `json:"worldId"`
	MessageServerID *uuid.UUID      `json:"messageServerId,omitempty"`
	ServerID        string          `json:"serverId"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
}

func (a *api) createRoom(c *frame.Call, in *newRoom) (roomMade, error) {
	b, agent := in.Body, in.AgentID.UUID
	if b.Name == "" {
		return roomMade{}, problem.Invalid("Room name is required")
	}
	id := events.UniqueUUID(agent, "room-"+c.NewID("room").String())
	server := b.server(c.Request().At)
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
	server = b.server(r.At)
	return roomMade{
		ID: id, Name: cmd.Name, AgentID: agent, CreatedAt: queries.Millis(r.At.UnixMilli()), Source: cmd.Source, Type: cmd.Type,
		WorldID: world, MessageServerID: queries.MessageServer(server), ServerID: server, Metadata: cmd.Metadata,
	}, c.Wrote(r, err)
}

// ServerNames is the server that the body of a world or a room names. It may be any text.
type ServerNames struct {
	MessageServerID frame.Text `json:"messageServerId"`
	ServerID        frame.Text `json:"serverId" doc:"The same for clients of ElizaOS 1.2.0; messageServerId counts where a body has both."`
}

// server is the one that is named or else, as recorded, one that is called after the time at which the thing is made.
func (n ServerNames) server(made time.Time) string {
	return cmp.Or(string(n.MessageServerID), string(n.ServerID), "server-"+strconv.FormatInt(made.UnixMilli(), 10))
}
