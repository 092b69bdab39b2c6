package frame

import (
	"net/http"

	"github.com/google/uuid"

	"annals/events"
	"annals/transport/problem"
)

// OfAnAgent are the spellings of paths below an agent.
var OfAnAgent = []string{"/api/agents/:agentId", "/api/memory/:agentId", "/api/memory/agents/:agentId"}

// AgentPath names an agent. What operations embed is exported, or huma would pass it over.
type AgentPath struct {
	AgentID ID `path:"agentId"`
}

// ChannelPath names a channel.
type ChannelPath struct {
	ChannelID ID `path:"channelId"`
}

// ServerPath names a server.
type ServerPath struct {
	ServerID serverID `path:"serverId"`
}

// WithEmbedding asks for vectors.
type WithEmbedding struct {
	IncludeEmbedding string `query:"includeEmbedding" doc:"true: with the vectors, where they are known."`
}

// OptionalID reads an id that may be left out.
func OptionalID(name string, s Text, otherwise uuid.UUID) (uuid.UUID, error) {
	if s == "" {
		return otherwise, nil
	}
	id, err := events.ParseID(string(s))
	if err != nil {
		return id, problem.New(http.StatusBadRequest, problem.CodeInvalidID, "Invalid %s format", name)
	}
	return id, nil
}
