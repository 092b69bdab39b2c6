package httpapi

import (
	"net/http"

	"github.com/google/uuid"

	"annals/events"
	"annals/transport/problem"
)

// ofAnAgent are the spellings of paths below an agent.
var ofAnAgent = []string{"/api/agents/:agentId", "/api/memory/:agentId", "/api/memory/agents/:agentId"}

// AgentPath names an agent. What operations embed is exported, or huma would pass it over.
type AgentPath struct {
	AgentID id `path:"agentId"`
}

// ChannelPath names a channel.
type ChannelPath struct {
	ChannelID id `path:"channelId"`
}

// ServerPath names a server.
type ServerPath struct {
	ServerID serverID `path:"serverId"`
}

// WithEmbedding asks for vectors.
type WithEmbedding struct {
	IncludeEmbedding string `query:"includeEmbedding" doc:"true: with the vectors, where they are known."`
}

// optionalID reads an id that may be left out.
func optionalID(name string, s text, otherwise uuid.UUID) (uuid.UUID, error) {
	if s == "" {
		return otherwise, nil
	}
	id, err := events.ParseID(string(s))
	if err != nil {
		return id, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid %s format", name)
	}
	return id, nil
}
