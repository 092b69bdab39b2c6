package memory

import (
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

type groupList struct {
	Groups []queries.Group `json:"groups"`
	Next   string          `json:"next,omitempty" doc:"Where the page ended early: the before or after of the next one."`
}

func (a *api) groups(c *frame.Call, in *frame.PageQuery) (groupList, error) {
	page, err := in.Page(c.PlacesOf(queries.AWorld))
	if err != nil {
		return groupList{}, err
	}
	found, total, err := a.Queries.Groups(c, page)
	c.Total = total
	return groupList{frame.List(found), frame.NextOf(c, page, false, found, func(g queries.Group) uuid.UUID { return g.ID })}, err
}

// GroupBody says which agents get a room in a world.
type GroupBody struct {
	ServerID frame.ServerText `json:"serverId" doc:"Where the path does not name it."`
	AgentIDs *[]frame.Text    `json:"agentIds" doc:"All running agents where only a name is given."`
	WorldID  frame.Text       `json:"worldId"`
	Source   frame.Text       `json:"source"`
	Name     frame.Text       `json:"name"`
	Metadata frame.Object     `json:"metadata"`
}

type newMemoryGroup struct {
	Body GroupBody
}

type newServerGroup struct {
	frame.ServerPath
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

func (a *api) createMemoryGroup(c *frame.Call, in *newMemoryGroup) ([]groupMade, error) {
	server, err := events.ParseServerID(string(in.Body.ServerID))
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid serverId format")
	}
	return a.makeGroup(c, server, in.Body)
}

func (a *api) createServerGroup(c *frame.Call, in *newServerGroup) ([]groupMade, error) {
	return a.makeGroup(c, in.ServerID.UUID, in.Body)
}

// makeGroup gives each agent a room of its own in the world. What fails for some of them is told beside what succeeded.
func (a *api) makeGroup(c *frame.Call, server uuid.UUID, b GroupBody) ([]groupMade, error) {
	agents, err := a.groupAgents(c, b)
	if err != nil {
		return nil, err
	}
	world, err := frame.OptionalID("worldId", b.WorldID, server)
	if err != nil {
		return nil, err
	}
	made, failures := []groupMade{}, []groupFailure{}
	var first error
	for _, agent := range agents {
		room, at, err := a.makeGroupRoom(c, agent, server, world, b)
		if err == nil {
			made = append(made, groupMade{ID: room, Name: b.name(at), Source: "client", WorldID: world, Type: "API"})
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

func (a *api) groupAgents(c *frame.Call, b GroupBody) ([]frame.Text, error) {
	var agents []frame.Text
	switch {
	case b.AgentIDs != nil:
		agents = *b.AgentIDs
	case b.Name != "":
		running, err := a.Queries.RunningAgents(c)
		if err != nil {
			return nil, err
		}
		for _, id := range running {
			agents = append(agents, frame.Text(id.String()))
		}
	}
	if len(agents) == 0 {
		return nil, problem.Invalid("agentIds must be a non-empty array")
	}
	return agents, nil
}

// name is what the client calls the group; one without a name is called after the time at which it was made.
func (b GroupBody) name(at time.Time) string {
	return frame.Or(b.Name, "Chat "+at.UTC().Format("1/2/2006, 3:04:05 PM"))
}

// makeGroupRoom also returns when the room was made: a repeated request gets the time of the first.
func (a *api) makeGroupRoom(c *frame.Call, agentText frame.Text, server, world uuid.UUID, b GroupBody) (uuid.UUID, time.Time, error) {
	agent, err := events.ParseID(string(agentText))
	if err != nil {
		return uuid.Nil, time.Time{}, problem.Invalid("Invalid agentId format: %.60s", agentText)
	}
	name := b.name(c.Request().At)
	own := commands.CreateWorld{WorldID: world, AgentID: agent, ServerID: server.String(), Name: frame.Or(b.Source, name)}
	room := commands.CreateRoom{
		RoomID: events.UniqueUUID(agent, server.String()), AgentID: agent, WorldID: world, ServerID: server.String(), Name: name, Type: "API",
		Source: frame.Or(b.Source, "client"), Metadata: b.Metadata.Raw(), Entities: []uuid.UUID{agent},
	}
	r, err := commands.HandleBoth(c, a.Env, c.Request(), own, room)
	return room.RoomID, r.At, c.Wrote(r, err)
}

// GroupPath names a group by its world.
type GroupPath struct {
	GroupID frame.ID `path:"groupId"`
}

type groupMemoryQuery struct {
	GroupPath
	frame.PageQuery
	FilterQuery
	frame.WithEmbedding
}

func (a *api) groupMemories(c *frame.Call, in *groupMemoryQuery) (memoryList, error) {
	page, err := in.Page(c.PlacesOf(queries.AMemory))
	if err != nil {
		return memoryList{}, err
	}
	f, err := in.filter(c, queries.MemoryFilter{World: in.GroupID.UUID})
	if err != nil {
		return memoryList{}, err
	}
	return a.listMemories(c, f, page, in.WithEmbedding)
}

// WorldPath names the world of a group, as the recorded server calls it.
type WorldPath struct {
	WorldID frame.ID `path:"serverId"`
}

func (a *api) deleteGroup(c *frame.Call, in *WorldPath) (frame.None, error) {
	_, err := frame.Run(c, commands.DeleteWorld{WorldID: in.WorldID.UUID})
	return frame.None{}, err
}

func (a *api) clearGroup(c *frame.Call, in *WorldPath) (frame.None, error) {
	_, err := frame.Run(c, commands.ClearWorld{WorldID: in.WorldID.UUID})
	return frame.None{}, err
}
