package commands

import (
	"context"

	"github.com/google/uuid"

	"annals/events"
)

// LeaveServer makes an agent deaf to the messages of a server.
type LeaveServer struct{ ServerID, AgentID uuid.UUID }

// Stream implements Command.
func (c LeaveServer) Stream() events.StreamID { return events.MembershipStream(c.ServerID, c.AgentID) }

// Admit implements Command: the server exists.
func (c LeaveServer) Admit(ctx context.Context, states *States, m Membership) (member bool, err error) {
	return states.member(ctx, c.ServerID, c.AgentID, m)
}

// Decide implements Command.
func (c LeaveServer) Decide(_ Request, _ Membership, member bool) ([]events.Event, error) {
	if !member {
		return nil, nil
	}
	return []events.Event{events.AgentLeftServer{ServerID: c.ServerID, AgentID: c.AgentID}}, nil
}
