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
}

func (a *api) agents(c *frame.Call, in *agentsQuery) (agentsAnswer, error) {
	limit, err := frame.Bounded(in.Limit)
	if err != nil {
		return agentsAnswer{}, err
	}
	page, total, err := a.Queries.AgentsPage(c, queries.Members{Limit: limit, Before: in.Before.UUID, After: in.After.UUID})
	c.Total = total
	return agentsAnswer{frame.List(page)}, err
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
	Character json.RawMessage    `json:"character" doc:"As it came, secrets encrypted."`
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
	made := agentMade{events.StringToUUID(character.Name), raw, changes}
	switch other, err := a.Queries.AgentNamed(c, character.Name); {
	case err != nil && !frame.Missing(err):
		return made, err
	case err == nil && other != made.ID:
		return made, problem.Invalid("Failed to create agent %s: another agent bears that name", character.Name)
	}
	_, err = frame.Run(c, commands.CreateAgent{AgentID: made.ID, Character: character})
	return made, err
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
	if _, err := frame.Run(c, commands.UpdateAgent{AgentID: in.AgentID.UUID, Patch: frame.Object(sealed).Fields()}); err != nil {
		return agentUpdated{}, err
	}
	c.Settle()
	agent, err := a.agent(c, &in.AgentPath)
	return agentUpdated{agent, changes}, err
}

func (a *api) deleteAgent(c *frame.Call, in *frame.AgentPath) (frame.None, error) {
	_, err := frame.Run(c, commands.DeleteAgent{AgentID: in.AgentID.UUID})
	return frame.None{}, err
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
