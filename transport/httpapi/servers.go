package httpapi

import (
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/problem"
)

type serverList struct {
	Servers []queries.Server `json:"servers"`
}

func (a *messagingAPI) servers(c *call, in *PageQuery) (serverList, error) {
	page, err := in.page()
	if err != nil {
		return serverList{}, err
	}
	found, total, err := a.Queries.Servers(c, page)
	c.total = total
	return serverList{list(found)}, err
}

type serverAnswer struct {
	Server queries.Server `json:"server"`
}

func (a *messagingAPI) server(c *call, in *ServerPath) (serverAnswer, error) {
	found, err := a.Queries.Server(c, in.ServerID.UUID)
	c.revision(found.Revision)
	return serverAnswer{found}, err
}

type newServer struct {
	Body struct {
		Name       text   `json:"name"`
		SourceType text   `json:"sourceType"`
		SourceID   text   `json:"sourceId"`
		Metadata   object `json:"metadata"`
	}
}

func (a *messagingAPI) createServer(c *call, in *newServer) (serverAnswer, error) {
	b := in.Body
	if b.Name == "" || b.SourceType == "" {
		return serverAnswer{}, missingFields("name, sourceType")
	}
	cmd := commands.CreateServer{
		ServerID: c.newID("server"), Name: string(b.Name), SourceType: string(b.SourceType), SourceID: string(b.SourceID),
		Metadata: b.Metadata.raw(),
	}
	r, err := run(c, cmd)
	return serverAnswer{queries.Server{
		ID: cmd.ServerID, Name: cmd.Name, SourceType: cmd.SourceType, SourceID: cmd.SourceID, Metadata: cmd.Metadata,
		CreatedAt: iso(r.At), UpdatedAt: iso(r.At),
	}}, err
}

type channelList struct {
	Channels []queries.Channel `json:"channels"`
}

type serverChannels struct {
	ServerPath
	PageQuery
}

func (a *messagingAPI) channels(c *call, in *serverChannels) (channelList, error) {
	page, err := in.page()
	if err != nil {
		return channelList{}, err
	}
	found, total, err := a.Queries.Channels(c, in.ServerID.UUID, page)
	c.total = total
	return channelList{list(found)}, err
}

type serverAgents struct {
	ServerID uuid.UUID   `json:"serverId"`
	Agents   []uuid.UUID `json:"agents"`
}

type serverMembers struct {
	ServerPath
	MembersQuery
}

func (a *messagingAPI) serverAgents(c *call, in *serverMembers) (serverAgents, error) {
	page, err := in.page()
	if err != nil {
		return serverAgents{}, err
	}
	found, total, err := a.Queries.ServerAgents(c, in.ServerID.UUID, page)
	c.total = total
	return serverAgents{in.ServerID.UUID, list(found)}, err
}

type agentServers struct {
	AgentID uuid.UUID   `json:"agentId"`
	Servers []uuid.UUID `json:"servers"`
}

type agentMemberships struct {
	AgentPath
	MembersQuery
}

func (a *messagingAPI) agentServers(c *call, in *agentMemberships) (agentServers, error) {
	page, err := in.page()
	if err != nil {
		return agentServers{}, err
	}
	found, total, err := a.Queries.AgentServers(c, in.AgentID.UUID, page)
	c.total = total
	return agentServers{in.AgentID.UUID, list(found)}, err
}

// agentBody names an agent.
type agentBody struct {
	AgentID text `json:"agentId"`
}

type joinServer struct {
	ServerPath
	Body agentBody
}

type serverMembership struct {
	ServerID uuid.UUID `json:"serverId"`
	AgentID  uuid.UUID `json:"agentId"`
	Message  string    `json:"message"`
}

func (a *messagingAPI) joinServer(c *call, in *joinServer) (serverMembership, error) {
	agent, err := events.ParseID(string(in.Body.AgentID))
	if err != nil {
		return serverMembership{}, problem.Invalid("Invalid serverId or agentId format")
	}
	_, err = run(c, commands.JoinServer{ServerID: in.ServerID.UUID, AgentID: agent})
	return serverMembership{in.ServerID.UUID, agent, "Agent added to server successfully"}, err
}

type leaveServer struct {
	ServerPath
	AgentPath
}

func (a *messagingAPI) leaveServer(c *call, in *leaveServer) (serverMembership, error) {
	_, err := run(c, commands.LeaveServer{ServerID: in.ServerID.UUID, AgentID: in.AgentID.UUID})
	return serverMembership{in.ServerID.UUID, in.AgentID.UUID, "Agent removed from server successfully"}, err
}

// serverOr is the server that a query names, or the default one if there is no such.
func (a *messagingAPI) serverOr(c *call, named string) (uuid.UUID, error) {
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
