package commands

import (
	"encoding/json"

	"github.com/google/uuid"

	"annals/events"
)

// CreateServer makes a server. One that exists already stays as it is.
type CreateServer struct {
	Unconditional[Server]

	ServerID   uuid.UUID
	Name       string
	SourceType string
	SourceID   string
	Metadata   json.RawMessage
}

// DefaultServer is the wish for the server that every log has from its first start on.
func DefaultServer() CreateServer {
	return CreateServer{ServerID: events.DefaultServer, Name: "Default Server", SourceType: "eliza_default"}
}

func (CreateServer) begins() {}

// Stream implements Command.
func (c CreateServer) Stream() events.StreamID { return events.ServerStream(c.ServerID) }

// Decide implements Command.
func (c CreateServer) Decide(_ Request, s Server, _ Nothing) ([]events.Event, error) {
	if s.Exists {
		return nil, nil
	}
	return []events.Event{events.ServerCreated{
		ServerID: c.ServerID, Name: c.Name, SourceType: c.SourceType, SourceID: c.SourceID, Metadata: c.Metadata,
	}}, nil
}
