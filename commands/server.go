package commands

import (
	"fmt"
	"maps"

	"github.com/google/uuid"

	"annals/events"
)

// Server is what commands know of a server.
type Server struct {
	Life   // of its channels
	Name   string
	Agents map[uuid.UUID]bool // never changed in place: folds are shared
}

// Apply implements State.
func (s Server) Apply(e events.Recorded) Server {
	switch f := e.Event.(type) {
	case events.ServerCreated:
		s.Life, s.Name = s.madeAt(e.Position), f.Name
	case events.ServerDeleted:
		return Server{Life: s.end()}
	case events.AgentJoinedServer:
		s.Agents = with(s.Agents, f.AgentID)
	case events.AgentLeftServer:
		s.Agents = without(s.Agents, f.AgentID)
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
