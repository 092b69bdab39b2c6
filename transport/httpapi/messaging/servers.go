package messaging

import (
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// What ElizaOS 1.7.2 calls a message server, 1.2.0 calls a server: answers have both keys.

type serverList struct {
	MessageServers []queries.Server `json:"messageServers"`
	Servers        []queries.Server `json:"servers"`
	Next           string           `json:"next,omitempty" doc:"Where the page ended early: the before or after of the next one."`
}

func (a *api) servers(c *frame.Call, in *frame.PageQuery) (serverList, error) {
	page, err := in.Page(c.PlacesOf(queries.AServer))
	if err != nil {
		return serverList{}, err
	}
	found, total, err := a.Queries.Servers(c, page)
	c.Total = total
	next := frame.NextOf(c, page, false, found, func(s queries.Server) uuid.UUID { return s.ID })
	return serverList{frame.List(found), frame.List(found), next}, err
}

type currentServer struct {
	MessageServerID uuid.UUID `json:"messageServerId"`
}

// currentServer is the server that clients talk on unless they name another one.
func (a *api) currentServer(*frame.Call, *frame.Nothing) (currentServer, error) {
	return currentServer{events.DefaultServer}, nil
}

type serverAnswer struct {
	Server queries.Server `json:"server"`
}

func (a *api) server(c *frame.Call, in *frame.ServerPath) (serverAnswer, error) {
	found, err := a.Queries.Server(c, in.ServerID.UUID)
	c.Revision(found.Revision)
	return serverAnswer{found}, err
}

type newServer struct {
	Body struct {
		Name       frame.Text   `json:"name"`
		SourceType frame.Text   `json:"sourceType"`
		SourceID   frame.Text   `json:"sourceId"`
		Metadata   frame.Object `json:"metadata"`
	}
}

func (a *api) createServer(c *frame.Call, in *newServer) (serverAnswer, error) {
	b := in.Body
	if b.Name == "" || b.SourceType == "" {
		return serverAnswer{}, frame.MissingFields("name, sourceType")
	}
	cmd := commands.CreateServer{
		ServerID: c.NewID("server"), Name: string(b.Name), SourceType: string(b.SourceType), SourceID: string(b.SourceID),
		Metadata: b.Metadata.Raw(),
	}
	r, err := frame.Run(c, cmd)
	return serverAnswer{queries.Server{
		ID: cmd.ServerID, Name: cmd.Name, SourceType: cmd.SourceType, SourceID: cmd.SourceID, Metadata: cmd.Metadata,
		CreatedAt: frame.ISO(r.At), UpdatedAt: frame.ISO(r.At),
	}}, err
}

type channelList struct {
	Channels []queries.Channel `json:"channels"`
	Next     string            `json:"next,omitempty" doc:"Where the page ended early: the before or after of the next one."`
}

type serverChannels struct {
	frame.ServerPath
	frame.PageQuery
}

func (a *api) channels(c *frame.Call, in *serverChannels) (channelList, error) {
	page, err := in.Page(c.PlacesOf(queries.AChannel))
	if err != nil {
		return channelList{}, err
	}
	found, total, err := a.Queries.Channels(c, in.ServerID.UUID, page)
	c.Total = total
	return channelList{frame.List(found), frame.NextOf(c, page, false, found, func(ch queries.Channel) uuid.UUID { return ch.ID })}, err
}

type serverAgents struct {
	MessageServerID uuid.UUID   `json:"messageServerId"`
	ServerID        uuid.UUID   `json:"serverId"`
	Agents          []uuid.UUID `json:"agents"`
}

type serverMembers struct {
	frame.ServerPath
	frame.MembersQuery
}

func (a *api) serverAgents(c *frame.Call, in *serverMembers) (serverAgents, error) {
	page, err := in.Page()
	if err != nil {
		return serverAgents{}, err
	}
	found, total, err := a.Queries.ServerAgents(c, in.ServerID.UUID, page)
	c.Total = total
	return serverAgents{in.ServerID.UUID, in.ServerID.UUID, frame.List(found)}, err
}

type agentServers struct {
	AgentID        uuid.UUID   `json:"agentId"`
	MessageServers []uuid.UUID `json:"messageServers"`
	Servers        []uuid.UUID `json:"servers"`
}

type agentMemberships struct {
	frame.AgentPath
	frame.MembersQuery
}

func (a *api) agentServers(c *frame.Call, in *agentMemberships) (agentServers, error) {
	page, err := in.Page()
	if err != nil {
		return agentServers{}, err
	}
	found, total, err := a.Queries.AgentServers(c, in.AgentID.UUID, page)
	c.Total = total
	return agentServers{in.AgentID.UUID, frame.List(found), frame.List(found)}, err
}

// agentBody names an agent.
type agentBody struct {
	AgentID frame.Text `json:"agentId"`
}

type joinServer struct {
	frame.ServerPath
	Body agentBody
}

type serverMembership struct {
	MessageServerID uuid.UUID `json:"messageServerId"`
	ServerID        uuid.UUID `json:"serverId"`
	AgentID         uuid.UUID `json:"agentId"`
	Message         string    `json:"message"`
}

func (a *api) joinServer(c *frame.Call, in *joinServer) (serverMembership, error) {
	agent, err := events.ParseID(string(in.Body.AgentID))
	if err != nil {
		return serverMembership{}, problem.Invalid("Invalid serverId or agentId format")
	}
	_, err = frame.Run(c, commands.JoinServer{ServerID: in.ServerID.UUID, AgentID: agent})
	return serverMembership{in.ServerID.UUID, in.ServerID.UUID, agent, "Agent added to server successfully"}, err
}

type leaveServer struct {
	frame.ServerPath
	frame.AgentPath
}

func (a *api) leaveServer(c *frame.Call, in *leaveServer) (serverMembership, error) {
	_, err := frame.Run(c, commands.LeaveServer{ServerID: in.ServerID.UUID, AgentID: in.AgentID.UUID})
	return serverMembership{in.ServerID.UUID, in.ServerID.UUID, in.AgentID.UUID, "Agent removed from server successfully"}, err
}

// serverOr is the server that a query names, or the default one if there is no such.
func (a *api) serverOr(c *frame.Call, named string) (uuid.UUID, error) {
	id, err := events.ParseServerID(named)
	if err != nil {
		return events.DefaultServer, nil //nolint:nilerr // as recorded
	}
	s, err := a.Env.States.Server(c, id)
	if err != nil || !s.Exists {
		return events.DefaultServer, err
	}
	return id, nil
}
