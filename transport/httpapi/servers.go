package httpapi

import (
	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/problem"
)

// PageQuery asks for a part of a list.
type PageQuery struct {
	Limit  int    `query:"limit" default:"1000" doc:"At most 1000."`
	Before moment `query:"before" doc:"Only what was made before."`
	After  moment `query:"after" doc:"Only what was made after."`
}

func (p PageQuery) page() (queries.Page, error) {
	limit, err := bounded(p.Limit)
	return queries.Page{Limit: limit, Before: p.Before.Time, After: p.After.Time}, err
}

// MembersQuery asks for a part of a list of ids.
type MembersQuery struct {
	Limit  int `query:"limit" default:"1000" doc:"At most 1000."`
	Before id  `query:"before" doc:"Only who joined before this one."`
	After  id  `query:"after" doc:"Only who joined after this one."`
}

func (m MembersQuery) page() (queries.Members, error) {
	limit, err := bounded(m.Limit)
	return queries.Members{Limit: limit, Before: m.Before.UUID, After: m.After.UUID}, err
}

// ServerPath names a server.
type ServerPath struct {
	ServerID serverID `path:"serverId"`
}

type serverList struct {
	Servers []queries.Server `json:"servers"`
}

func (a *API) servers(c *call, in *PageQuery) (serverList, error) {
	page, err := in.page()
	if err != nil {
		return serverList{}, err
	}
	found, total, err := a.o.Queries.Servers(c, page)
	c.total = total
	return serverList{list(found)}, err
}

type serverAnswer struct {
	Server queries.Server `json:"server"`
}

func (a *API) server(c *call, in *ServerPath) (serverAnswer, error) {
	found, err := a.o.Queries.Server(c, in.ServerID.UUID)
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

func (a *API) createServer(c *call, in *newServer) (serverAnswer, error) {
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

func (a *API) channels(c *call, in *serverChannels) (channelList, error) {
	page, err := in.page()
	if err != nil {
		return channelList{}, err
	}
	found, total, err := a.o.Queries.Channels(c, in.ServerID.UUID, page)
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

func (a *API) serverAgents(c *call, in *serverMembers) (serverAgents, error) {
	page, err := in.page()
	if err != nil {
		return serverAgents{}, err
	}
	found, total, err := a.o.Queries.ServerAgents(c, in.ServerID.UUID, page)
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

func (a *API) agentServers(c *call, in *agentMemberships) (agentServers, error) {
	page, err := in.page()
	if err != nil {
		return agentServers{}, err
	}
	found, total, err := a.o.Queries.AgentServers(c, in.AgentID.UUID, page)
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

func (a *API) joinServer(c *call, in *joinServer) (serverMembership, error) {
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

func (a *API) leaveServer(c *call, in *leaveServer) (serverMembership, error) {
	_, err := run(c, commands.LeaveServer{ServerID: in.ServerID.UUID, AgentID: in.AgentID.UUID})
	return serverMembership{in.ServerID.UUID, in.AgentID.UUID, "Agent removed from server successfully"}, err
}

// serverOr is the server that a query names, or the default one if there is no such.
func (a *API) serverOr(c *call, named string) (uuid.UUID, error) {
	id, err := events.ParseServerID(named)
	if err != nil {
		return events.DefaultServer, nil //nolint:nilerr // as recorded
	}
	s, err := a.o.Env.States.Server(c, id)
	if err != nil || !s.Exists {
		return events.DefaultServer, err
	}
	return id, nil
}
