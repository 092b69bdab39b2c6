package commands

import (
	"fmt"
	"maps"

	"github.com/google/uuid"

	"annals/events"
)

// Server is what commands know of a server.
type Server struct {
	Life // of its channels and memberships
	Name string
	// Agents are the memberships that the server's own stream has, in old logs. The map is never changed: folds are shared.
	Agents map[uuid.UUID]Membership
}

// Apply implements State.
func (s Server) Apply(e events.Recorded) Server {
	switch f := e.Event.(type) {
	case events.ServerCreated:
		s.Life, s.Name = s.madeAt(e.Position), f.Name
	case events.ServerDeleted:
		return Server{Life: s.end()}
	case events.AgentJoinedServer:
		s.Agents = with(s.Agents, f.AgentID, Membership{}.Apply(e))
	case events.AgentLeftServer:
		s.Agents = with(s.Agents, f.AgentID, Membership{}.Apply(e))
	}
	return s
}

// hears reports whether an agent is a member of the server, by the stream of its membership or by the server's own.
func (s Server) hears(id uuid.UUID, agent Agent, m Membership) bool {
	m = m.latest(s.Agents[id])
	return m.Joined && s.holds(m.At) && agent.holds(m.At)
}

func noServer(id uuid.UUID) error { return fmt.Errorf("server %s %w", id, ErrNotFound) }

func with(all map[uuid.UUID]Membership, id uuid.UUID, m Membership) map[uuid.UUID]Membership {
	out := make(map[uuid.UUID]Membership, len(all)+1)
	maps.Copy(out, all)
	out[id] = m
	return out
}
