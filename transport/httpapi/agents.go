package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"annals/commands"
	"annals/events"
	"annals/queries"
	"annals/transport/problem"
)

// agentAct is a wish that needs no more than the agent; a body may be there and says nothing.
type agentAct struct {
	AgentPath
	Body *struct{}
}

type agentsQuery struct {
	Limit  int `query:"limit" default:"1000" doc:"At most 1000."`
	Before id  `query:"before" doc:"Only those that stand before this agent in the list."`
	After  id  `query:"after" doc:"Only those that stand after this agent in the list."`
}

type agentsAnswer struct {
	Agents []queries.AgentItem `json:"agents"`
}

func (a *agentsAPI) agents(c *call, in *agentsQuery) (agentsAnswer, error) {
	limit, err := bounded(in.Limit)
	if err != nil {
		return agentsAnswer{}, err
	}
	page, total, err := a.Queries.AgentsPage(c, queries.Members{Limit: limit, Before: in.Before.UUID, After: in.After.UUID})
	c.total = total
	return agentsAnswer{list(page)}, err
}

func (a *agentsAPI) agent(c *call, in *AgentPath) (queries.Agent, error) {
	found, err := a.Queries.Agent(c, in.AgentID.UUID)
	c.revision(found.Revision)
	return found, err
}

type newAgent struct {
	Body struct {
		CharacterJSON json.RawMessage `json:"characterJson" doc:"The character itself."`
		CharacterPath text            `json:"characterPath" doc:"A file among the server's characters, or a URL where those are allowed."`
		Agent         json.RawMessage `json:"agent" doc:"The same as characterJson."`
	}
}

type agentMade struct {
	ID        uuid.UUID       `json:"id"`
	Character json.RawMessage `json:"character" doc:"As it came, secrets encrypted."`
}

// createAgent answers every refusal with one code, as the recorded server does.
func (a *agentsAPI) createAgent(c *call, in *newAgent) (agentMade, error) {
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

func (a *agentsAPI) makeAgent(c *call, in *newAgent) (agentMade, error) {
	raw, err := a.characterOf(c, in)
	if err != nil {
		return agentMade{}, err
	}
	if raw, err = a.Secrets.seal(raw, c.nonce); err != nil {
		return agentMade{}, err
	}
	character, err := commands.ParseCharacter(raw)
	if err != nil {
		return agentMade{}, err
	}
	made := agentMade{ID: events.StringToUUID(character.Name), Character: raw}
	switch other, err := a.Queries.AgentNamed(c, character.Name); {
	case err != nil && !missing(err):
		return made, err
	case err == nil && other != made.ID:
		return made, problem.Invalid("Failed to create agent %s: another agent bears that name", character.Name)
	}
	_, err = run(c, commands.CreateAgent{AgentID: made.ID, Character: character})
	return made, err
}

// characterOf is the character that the body gives, in the recorded server's order of precedence.
func (a *agentsAPI) characterOf(c *call, in *newAgent) (json.RawMessage, error) {
	switch b := in.Body; {
	case given(b.CharacterJSON) != nil:
		return b.CharacterJSON, nil
	case b.CharacterPath != "":
		return a.loadCharacter(c, string(b.CharacterPath))
	case given(b.Agent) != nil:
		return b.Agent, nil
	}
	return nil, problem.Invalid("No character configuration provided")
}

type agentPatch struct {
	AgentPath
	Body object `doc:"Parts of a character. Settings are merged; null deletes."`
}

func (a *agentsAPI) updateAgent(c *call, in *agentPatch) (queries.Agent, error) {
	if in.Body == nil {
		return queries.Agent{}, problem.Invalid("Invalid body: an object is required")
	}
	sealed, err := a.Secrets.seal(in.Body.raw(), c.nonce)
	if err != nil {
		return queries.Agent{}, err
	}
	if _, err := run(c, commands.UpdateAgent{AgentID: in.AgentID.UUID, Patch: object(sealed).fields()}); err != nil {
		return queries.Agent{}, err
	}
	c.settle()
	return a.agent(c, &in.AgentPath)
}

func (a *agentsAPI) deleteAgent(c *call, in *AgentPath) (none, error) {
	_, err := run(c, commands.DeleteAgent{AgentID: in.AgentID.UUID})
	return none{}, err
}

type agentStarted struct {
	ID     uuid.UUID `json:"id"`
	Name   string    `json:"name"`
	Status string    `json:"status"`
}

// startAgent lets the agent hear the default server besides, as every started one does.
func (a *agentsAPI) startAgent(c *call, in *agentAct) (agentStarted, error) {
	id := in.AgentID.UUID
	_, err := run(c, commands.JoinServer{ServerID: events.DefaultServer, AgentID: id})
	if err != nil {
		return agentStarted{}, err
	}
	if _, err := run(c, commands.StartAgent{AgentID: id}); err != nil {
		return agentStarted{}, err
	}
	agent, err := a.Env.States.Agent(c, id)
	return agentStarted{ID: id, Name: agent.Character.Name, Status: queries.Active}, err
}

func (a *agentsAPI) stopAgent(c *call, in *agentAct) (said, error) {
	_, err := run(c, commands.StopAgent{AgentID: in.AgentID.UUID})
	return said{"Agent stopped"}, err
}
