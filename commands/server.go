package commands

import (
	"fmt"
	"maps"

	"github.com/google/uuid"

	"annals/events"
)

// Server is what commands know of a server.
type Server struct {
	Exists bool
	Name   string
	// Deleted tells that it existed once.
	Deleted bool
	Agents  map[uuid.UUID]bool // never changed in place: folds are shared
}

// Apply implements State.
func (s Server) Apply(e events.Recorded) Server {
	switch e := e.Event.(type) {
	case events.ServerCreated:
		s.Exists, s.Deleted, s.Name = true, false, e.Name
	case events.ServerDeleted:
		return Server{Deleted: true}
	case events.AgentJoinedServer:
		s.Agents = with(s.Agents, e.AgentID)
	case events.AgentLeftServer:
		s.Agents = without(s.Agents, e.AgentID)
	}
	return s
}

func noServer(id uuid.UUID) error { return fmt.Errorf("server %s %w", id, ErrNotFound) }

func with(set map[uuid.UUID]bool, id uuid.UUID) map[uuid.UUID]bool {
	out := make(map[uuid.UUID]bool, len(set)+1)
	maps.Copy(out, set)
	out[id] = true
	return out
}

func without(set map[uuid.UUID]bool, id uuid.UUID) map[uuid.UUID]bool {
	out := maps.Clone(set)
	delete(out, id)
	return out
}
