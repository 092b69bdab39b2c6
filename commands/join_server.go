package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// JoinServer lets an agent hear the messages of a server.
type JoinServer struct{ ServerID, AgentID uuid.UUID }

// Stream implements Command.
func (c JoinServer) Stream() events.StreamID { return events.MembershipStream(c.ServerID, c.AgentID) }

// Admit implements Command: agent and server exist.
func (c JoinServer) Admit(ctx context.Context, states *States, m Membership) (member bool, err error) {
	if err := states.agentExists(ctx, c.AgentID); err != nil {
		return false, err
	}
	return states.member(ctx, c.ServerID, c.AgentID, m)
}

// Decide implements Command.
func (c JoinServer) Decide(_ Request, _ Membership, member bool) ([]events.Event, error) {
	if member {
		return nil, nil
	}
	return []events.Event{events.AgentJoinedServer{ServerID: c.ServerID, AgentID: c.AgentID}}, nil
}
