package agents

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/characters"
	"annals/transport/httpapi/frame"
	"annals/transport/problem"
)

// agentAct is a wish that needs no more than the agent; a body may be there and says nothing.
type agentAct struct {
	frame.AgentPath
	Body *struct{}
}

type agentsQuery struct {
	Limit  int      `query:"limit" default:"1000" doc:"At most 1000."`
	Before frame.ID `query:"before" doc:"Only those that stand before this agent in the list."`
	After  frame.ID `query:"after" doc:"Only those that stand after this agent in the list."`
}

type agentsAnswer struct {
	Agents []queries.AgentItem `json:"agents"`
	Next   string              `json:"next,omitempty" doc:"Where the page ended early: the before or after of the next one."`
}

func (a *api) agents(c *frame.Call, in *agentsQuery) (agentsAnswer, error) {
	limit, err := frame.Bounded(in.Limit)
	if err != nil {
		return agentsAnswer{}, err
	}
	page, total, err := a.Queries.AgentsPage(c, queries.Members{Limit: limit, Before: in.Before.UUID, After: in.After.UUID})
	c.Total = total
	answer := agentsAnswer{Agents: frame.List(page)}
	switch n := len(page); {
	case n == 0:
	case in.Before.UUID != uuid.Nil && in.After.UUID == uuid.Nil:
		answer.Next = c.Next("before", page[0].ID.String())
	default:
		answer.Next = c.Next("after", page[n-1].ID.String())
	}
	return answer, err
}

func (a *api) agent(c *frame.Call, in *frame.AgentPath) (queries.Agent, error) {
	found, err := a.Queries.Agent(c, in.AgentID.UUID)
	c.Revision(found.Revision)
	return found, err
}

type newAgent struct {
	Body struct {
		CharacterJSON json.RawMessage `json:"characterJson" doc:"The character itself."`
		CharacterPath frame.Text      `json:"characterPath" doc:"A file among the server's characters, or a URL where those are allowed."`
		Agent         json.RawMessage `json:"agent" doc:"The same as characterJson."`
	}
}

type agentMade struct {
	ID        uuid.UUID          `json:"id"`
	Character json.RawMessage    `json:"character" doc:"As it came, secrets encrypted; as it is stored where the agent was there before."`
	Created   bool               `json:"created" doc:"false: an agent of that name or id was there before, and stays as it is."`
	Converted []characters.Field `json:"converted,omitempty" doc:"Of a character file of ElizaOS 0.x: what became of the fields that had to change."`
}

// createAgent answers every refusal with one code, as the recorded server does.
func (a *api) createAgent(c *frame.Call, in *newAgent) (agentMade, error) {
	made, err := a.makeAgent(c, in)
	if err == nil {
		return made, nil
	}
	p, cause := problem.Of(err)
	if cause != nil || p.Status == http.StatusRequestEntityTooLarge || p.Status == http.StatusConflict {
		return made, err
	}
	return made, &problem.Problem{Status: http.StatusBadRequest, Code: problem.CodeCreate, Message: p.Message, Details: p.Message}
}

func (a *api) makeAgent(c *frame.Call, in *newAgent) (agentMade, error) {
	raw, err := a.characterOf(c, in)
	if err != nil {
		return agentMade{}, err
	}
	raw, changes, err := characters.Convert(raw)
	if err != nil {
		return agentMade{}, problem.Invalid("%s", err)
	}
	if raw, err = a.Secrets.Seal(raw, c.Nonce); err != nil {
		return agentMade{}, err
	}
	character, err := commands.ParseCharacter(raw)
	if err != nil {
		return agentMade{}, err
	}
	fields := frame.Object(raw).Fields()
	made, err := a.create(c, frame.TextIn(fields, "id"), character)
	if err != nil {
		return agentMade{}, err
	}
	if !made.Created {
		character = made.Agent.Character
		if raw, err = publicJSON(character); err != nil {
			return agentMade{}, err
		}
	}
	raw, err = echo(raw, made.AgentID, character.Name)
	return agentMade{made.AgentID, raw, made.Created, changes}, err
}

// echo is a character with the id and the name that its agent has got: its own id may have been none, and blanks may have stood around
// the name.
func echo(character json.RawMessage, id uuid.UUID, name string) (json.RawMessage, error) {
	fields := frame.Object(character).Fields()
	for key, value := range map[string]string{"id": id.String(), "name": name} {
		if frame.TextIn(fields, key) != value {
			fields[key], _ = json.Marshal(value) // a text always can be
		}
	}
	return json.Marshal(fields)
}

// publicJSON is a stored character as clients see it.
func publicJSON(c events.Character) (json.RawMessage, error) {
	public, err := c.Public()
	if err != nil {
		return nil, err
	}
	return json.Marshal(public)
}

// create makes the agent under an id of its own, where one is given, and otherwise as the only one with its name.
func (a *api) create(c *frame.Call, ownID string, character events.Character) (commands.NamedAgent, error) {
	if id, err := events.ParseID(ownID); err == nil && id != uuid.Nil {
		r, err := frame.Run(c, commands.CreateAgent{AgentID: id, Character: character})
		if err != nil || r.Changed {
			return commands.NamedAgent{AgentID: id, Created: true}, err
		}
		there, err := commands.Load[commands.Agent](c, a.Env, events.AgentStream(id))
		return commands.NamedAgent{AgentID: id, Agent: there}, err
	}
	bearer, err := a.bearer(c, character.Name)
	if err != nil {
		return commands.NamedAgent{}, err
	}
	made, r, err := commands.CreateNamedAgent(c, a.Env, c.Request(), character, bearer, c.NewID("agent"))
	return made, c.Wrote(r, err)
}

// bearer is the agent that bears a name as far as can be read, uuid.Nil for none.
func (a *api) bearer(c *frame.Call, name string) (uuid.UUID, error) {
	id, err := a.Queries.AgentNamed(c, name)
	if frame.Missing(err) {
		return uuid.Nil, nil
	}
	return id, err
}

// characterOf is the character that the body gives, in the recorded server's order of precedence.
func (a *api) characterOf(c *frame.Call, in *newAgent) (json.RawMessage, error) {
	switch b := in.Body; {
	case frame.Given(b.CharacterJSON) != nil:
		return b.CharacterJSON, nil
	case b.CharacterPath != "":
		return a.loadCharacter(c, string(b.CharacterPath))
	case frame.Given(b.Agent) != nil:
		return b.Agent, nil
	}
	return nil, problem.Invalid("No character configuration provided")
}

type agentPatch struct {
	frame.AgentPath
	Body frame.Object `doc:"Parts of a character. Settings are merged; null deletes."`
}

type agentUpdated struct {
	queries.Agent
	Converted []characters.Field `json:"converted,omitempty" doc:"Of parts of a character file of ElizaOS 0.x: what became of the fields that had to change."`
}

func (a *api) updateAgent(c *frame.Call, in *agentPatch) (agentUpdated, error) {
	if in.Body == nil {
		return agentUpdated{}, problem.Invalid("Invalid body: an object is required")
	}
	parts, changes, err := characters.ConvertPatch(in.Body.Raw())
	if err != nil {
		return agentUpdated{}, err
	}
	sealed, err := a.Secrets.Seal(parts, c.Nonce)
	if err != nil {
		return agentUpdated{}, err
	}
	renew := func(name string, s events.Secret) events.Secret { return a.Secrets.Renew(name, s, c.Nonce) }
	update := commands.UpdateAgent{AgentID: in.AgentID.UUID, Patch: frame.Object(sealed).Fields(), Renew: renew}
	r, err := commands.UpdateNamedAgent(c, a.Env, c.Request(), update, func(name string) (uuid.UUID, error) { return a.bearer(c, name) })
	if err := c.Wrote(r, err); err != nil {
		return agentUpdated{}, err
	}
	c.Settle()
	agent, err := a.agent(c, &in.AgentPath)
	return agentUpdated{agent, changes}, err
}

func (a *api) deleteAgent(c *frame.Call, in *frame.AgentPath) (frame.None, error) {
	id := in.AgentID.UUID
	before, err := a.Env.States.Agent(c, id)
	if err != nil {
		return frame.None{}, err
	}
	if _, err := frame.Run(c, commands.DeleteAgent{AgentID: id}); err != nil {
		return frame.None{}, err
	}
	commands.ReleaseName(c, a.Env, c.Request(), id, before.Character.Name)
	return frame.None{}, nil
}

type agentStarted struct {
	ID     uuid.UUID `json:"id"`
	Name   string    `json:"name"`
	Status string    `json:"status"`
}

// startAgent lets the agent hear the default server besides, as every started one does.
func (a *api) startAgent(c *frame.Call, in *agentAct) (agentStarted, error) {
	id := in.AgentID.UUID
	_, err := frame.Run(c, commands.JoinServer{ServerID: events.DefaultServer, AgentID: id})
	if err != nil {
		return agentStarted{}, err
	}
	if _, err := frame.Run(c, commands.StartAgent{AgentID: id}); err != nil {
		return agentStarted{}, err
	}
	agent, err := a.Env.States.Agent(c, id)
	return agentStarted{ID: id, Name: agent.Character.Name, Status: queries.Active}, err
}

func (a *api) stopAgent(c *frame.Call, in *agentAct) (frame.Said, error) {
	_, err := frame.Run(c, commands.StopAgent{AgentID: in.AgentID.UUID})
	return frame.Said{Message: "Agent stopped"}, err
}
