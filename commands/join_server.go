package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// JoinServer lets an agent hear the messages of a server.
type JoinServer struct{ ServerID, AgentID uuid.UUID }

// Stream implements Command.
func (c JoinServer) Stream() events.StreamID { return events.ServerStream(c.ServerID) }

// Admit implements Command: the agent exists.
func (c JoinServer) Admit(ctx context.Context, states *States, _ Server) (Nothing, error) {
	return Nothing{}, states.agentExists(ctx, c.AgentID)
}

// Decide implements Command.
func (c JoinServer) Decide(_ Request, s Server, _ Nothing) ([]events.Event, error) {
	switch {
	case !s.Exists:
		return nil, noServer(c.ServerID)
	case s.Agents[c.AgentID]:
		return nil, nil
	}
	return []events.Event{events.AgentJoinedServer{ServerID: c.ServerID, AgentID: c.AgentID}}, nil
}
