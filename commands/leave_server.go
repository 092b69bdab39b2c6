package commands

import (
	"github.com/google/uuid"

	"annals/events"
)

// LeaveServer makes an agent deaf to the messages of a server.
type LeaveServer struct {
	Unconditional[Server]

	ServerID, AgentID uuid.UUID
}

// Stream implements Command.
func (c LeaveServer) Stream() events.StreamID { return events.ServerStream(c.ServerID) }

// Decide implements Command.
func (c LeaveServer) Decide(_ Request, s Server, _ Nothing) ([]events.Event, error) {
	switch {
	case !s.Exists:
		return nil, noServer(c.ServerID)
	case !s.Agents[c.AgentID]:
		return nil, nil
	}
	return []events.Event{events.AgentLeftServer{ServerID: c.ServerID, AgentID: c.AgentID}}, nil
}
