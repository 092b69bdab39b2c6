package events

import (
	"encoding/json"

	"github.com/google/uuid"
)

// DefaultServer is the server that exists from the first start on. Every started agent takes part in it.
var DefaultServer = uuid.Nil

// ServerStream is the stream of one server.
func ServerStream(id uuid.UUID) StreamID { return Stream("server", id) }

// MembershipStream is the stream of one agent's membership in a server. Logs from before it was there have memberships in the
// stream of the server.
func MembershipStream(server, agent uuid.UUID) StreamID {
	return Stream("membership", Derive(server, agent.String()))
}

var serverEvents = []Event{ServerCreated{}, AgentJoinedServer{}, AgentLeftServer{}, ServerDeleted{}}

// ServerCreated: a server (a guild, a workspace, a team) exists from now on.
type ServerCreated struct {
	ServerID   uuid.UUID       `json:"serverId"`
	Name       string          `json:"name" seal:"ServerID"`
	SourceType string          `json:"sourceType"`
	SourceID   string          `json:"sourceId,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty" seal:"ServerID"`
}

// AgentJoinedServer: the agent hears the messages of this server from now on.
type AgentJoinedServer struct {
	ServerID uuid.UUID `json:"serverId"`
	AgentID  uuid.UUID `json:"agentId"`
}

// AgentLeftServer: the agent no longer hears the messages of this server.
type AgentLeftServer struct {
	ServerID uuid.UUID `json:"serverId"`
	AgentID  uuid.UUID `json:"agentId"`
}

// EventType implements Event.
func (ServerCreated) EventType() string { return "ServerCreated" }

// EventType implements Event.
func (AgentJoinedServer) EventType() string { return "AgentJoinedServer" }

// EventType implements Event.
func (AgentLeftServer) EventType() string { return "AgentLeftServer" }

// ServerDeleted: the server is gone. Its channels are deleted one by one.
type ServerDeleted struct {
	ServerID uuid.UUID `json:"serverId"`
}

// EventType implements Event.
func (ServerDeleted) EventType() string { return "ServerDeleted" }
