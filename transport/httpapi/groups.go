package httpapi

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/problem"
)

type groupList struct {
	Groups []queries.Group `json:"groups"`
}

func (a *memoryAPI) groups(c *call, in *PageQuery) (groupList, error) {
	page, err := in.page()
	if err != nil {
		return groupList{}, err
	}
	found, total, err := a.Queries.Groups(c, page)
	c.total = total
	return groupList{list(found)}, err
}

// GroupBody says which agents get a room in a world.
type GroupBody struct {
	ServerID serverText `json:"serverId" doc:"Where the path does not name it."`
	AgentIDs *[]text    `json:"agentIds" doc:"All running agents where only a name is given."`
	WorldID  text       `json:"worldId"`
	Source   text       `json:"source"`
	Name     text       `json:"name"`
	Metadata object     `json:"metadata"`
}

type newMemoryGroup struct {
	Body GroupBody
}

type newServerGroup struct {
	ServerPath
	Body GroupBody
}

type groupMade struct {
	ID      uuid.UUID `json:"id"`
	Name    string    `json:"name"`
	Source  string    `json:"source"`
	WorldID uuid.UUID `json:"worldId"`
	Type    string    `json:"type"`
}

type groupFailure struct {
	AgentID string `json:"agentId"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Details string `json:"details"`
}

// groupsBeside are the groups that were made beside what kept others from it.
type groupsBeside struct {
	Data   []groupMade    `json:"data"`
	Errors []groupFailure `json:"errors"`
}

func (a *memoryAPI) createMemoryGroup(c *call, in *newMemoryGroup) ([]groupMade, error) {
	server, err := events.ParseServerID(string(in.Body.ServerID))
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid serverId format")
	}
	return a.makeGroup(c, server, in.Body)
}

func (a *memoryAPI) createServerGroup(c *call, in *newServerGroup) ([]groupMade, error) {
	return a.makeGroup(c, in.ServerID.UUID, in.Body)
}

// makeGroup gives each agent a room of its own in the world. What fails for some of them is told beside what succeeded.
func (a *memoryAPI) makeGroup(c *call, server uuid.UUID, b GroupBody) ([]groupMade, error) {
	agents, err := a.groupAgents(c, b)
	if err != nil {
		return nil, err
	}
	world, err := optionalID("worldId", b.WorldID, server)
	if err != nil {
		return nil, err
	}
	name := or(b.Name, "Chat "+c.request().At.Format("1/2/2006, 3:04:05 PM"))
	made, failures := []groupMade{}, []groupFailure{}
	var first error
	for _, agent := range agents {
		room, err := a.makeGroupRoom(c, agent, server, world, name, b)
		if err == nil {
			made = append(made, groupMade{ID: room, Name: name, Source: "client", WorldID: world, Type: "API"})
			continue
		}
		p, cause := problem.Of(err)
		if cause != nil {
			return nil, err
		}
		first = errors.Join(first, err)
		failures = append(failures, groupFailure{AgentID: string(agent), Code: problem.CodeCreate, Message: "Failed to Create group", Details: p.Message})
	}
	switch {
	case len(failures) == 0:
		return made, nil
	case len(made) == 0:
		p, _ := problem.Of(first)
		return nil, &problem.Problem{Status: p.Status, Code: problem.CodeCreate, Message: "Failed to Create group", Details: failures}
	}
	return nil, &problem.Problem{Status: http.StatusMultiStatus, Code: problem.CodeCreate, Message: "Failed to Create group", Beside: groupsBeside{made, failures}}
}

func (a *memoryAPI) groupAgents(c *call, b GroupBody) ([]text, error) {
	var agents []text
	switch {
	case b.AgentIDs != nil:
		agents = *b.AgentIDs
	case b.Name != "":
		all, err := a.Queries.Agents(c)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			if one.Status == queries.Active {
				agents = append(agents, text(one.ID.String()))
			}
		}
	}
	if len(agents) == 0 {
		return nil, problem.Invalid("agentIds must be a non-empty array")
	}
	return agents, nil
}

func (a *memoryAPI) makeGroupRoom(c *call, agentText text, server, world uuid.UUID, name string, b GroupBody) (uuid.UUID, error) {
	agent, err := events.ParseID(string(agentText))
	if err != nil {
		return uuid.Nil, problem.Invalid("Invalid agentId format: %.60s", agentText)
	}
	own := commands.CreateWorld{WorldID: world, AgentID: agent, ServerID: server.String(), Name: or(b.Source, name)}
	room := commands.CreateRoom{
		RoomID: events.UniqueUUID(agent, server.String()), AgentID: agent, WorldID: world, ServerID: server.String(), Name: name, Type: "API",
		Source: or(b.Source, "client"), Metadata: b.Metadata.raw(), Entities: []uuid.UUID{agent},
	}
	r, err := commands.HandleBoth(c, a.Env, c.request(), own, room)
	return room.RoomID, c.wrote(r, err)
}

// GroupPath names a group by its world.
type GroupPath struct {
	GroupID id `path:"groupId"`
}

type groupMemoryQuery struct {
	GroupPath
	PageQuery
	TableName string `query:"tableName" default:"messages"`
	WithEmbedding
}

func (a *memoryAPI) groupMemories(c *call, in *groupMemoryQuery) (memoryList, error) {
	page, err := in.page()
	if err != nil {
		return memoryList{}, err
	}
	return a.listMemories(c, queries.MemoryFilter{World: in.GroupID.UUID, Table: in.TableName}, page, in.WithEmbedding)
}

// WorldPath names the world of a group, as the recorded server calls it.
type WorldPath struct {
	WorldID id `path:"serverId"`
}

func (a *memoryAPI) deleteGroup(c *call, in *WorldPath) (none, error) {
	_, err := run(c, commands.DeleteWorld{WorldID: in.WorldID.UUID})
	return none{}, err
}

func (a *memoryAPI) clearGroup(c *call, in *WorldPath) (none, error) {
	_, err := run(c, commands.ClearWorld{WorldID: in.WorldID.UUID})
	return none{}, err
}
