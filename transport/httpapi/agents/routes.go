// Package agents is the part of the REST API that is about agents: their characters, whether they run, and what they did.
package agents

import (
	"annals/transport/httpapi/frame"
	"annals/transport/secrets"
)

// Ports is what agents need besides the frame.
type Ports struct {
	// Logs notifies the followers of an agent's log.
	Logs AgentLogs
	// CharactersDir is where characterPath looks; CharacterURLs lets it be a URL.
	CharactersDir string
	CharacterURLs bool
	Secrets       secrets.Vault
}

// api is the frame with these.
type api struct {
	*frame.API
	Ports
}

// Mount adds the routes.
func Mount(f *frame.API, p Ports) {
	a := &api{API: f, Ports: p}
	a.Examples(examples...)
	frame.Get(a.API, "/api/agents", "List the agents, running ones first", a.agents)
	frame.Post(a.API, "/api/agents", "Create an agent from a character", a.createAgent, frame.Created, frame.Takes(`{"characterJson":{"name":"Eliza","bio":["A listener of 1966."],"settings":{"secrets":{"TOKEN":"kept encrypted"}}}}`))
	frame.Get(a.API, "/api/agents/:agentId", "Show an agent", a.agent)
	frame.Patch(a.API, "/api/agents/:agentId", "Change parts of an agent's character", a.updateAgent, frame.Takes(`{"system":"Be brief.","settings":{"voice":null}}`))
	frame.Remove(a.API, "/api/agents/:agentId", "Delete an agent", a.deleteAgent, frame.Remembering)
	frame.Post(a.API, "/api/agents/:agentId/start", "Let an agent take part", a.startAgent)
	frame.Post(a.API, "/api/agents/:agentId/stop", "Let an agent no longer take part", a.stopAgent)
	frame.Get(a.API, "/api/agents/:agentId/logs", "List what an agent did, newest first", a.agentLogs)
	frame.Remove(a.API, "/api/agents/:agentId/logs/:logId", "Remove an entry from an agent's log", a.deleteAgentLog)
	frame.Follow(a.API, "/api/agents/:agentId/logs/stream", "Follow what an agent does", a.followAgentLogs, aLog)
	frame.Get(a.API, "/api/agents/:agentId/runs", "List how an agent dealt with messages, newest first", a.runs)
	frame.Get(a.API, "/api/agents/:agentId/runs/:runId", "Show what an agent did to deal with a message", a.run)
	frame.Get(a.API, "/api/agents/:agentId/panels", "List the pages of an agent's plug-ins", a.panels)
}
