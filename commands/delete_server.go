package commands

import (
	"fmt"

	"github.com/google/uuid"

	"annals/events"
)

// DeleteServer removes a server, and its channels with it. One that was deleted is gone already; the default server stays.
type DeleteServer struct {
	Unconditional[Server]

	ServerID uuid.UUID
}

// Stream implements Command.
func (c DeleteServer) Stream() events.StreamID { return events.ServerStream(c.ServerID) }

// Decide implements Command.
func (c DeleteServer) Decide(_ Request, s Server, _ Nothing) ([]events.Event, error) {
	switch {
	case c.ServerID == events.DefaultServer:
		return nil, fmt.Errorf("%w: the default server cannot be deleted", ErrRefused)
	case !s.Exists && s.ended:
		return nil, nil
	case !s.Exists:
		return nil, noServer(c.ServerID)
	}
	return []events.Event{events.ServerDeleted{ServerID: c.ServerID}}, nil
}
