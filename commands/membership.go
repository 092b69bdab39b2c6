package commands

import "annals/events"

// Membership is what commands know of an agent in a server, or of an entity in a room.
type Membership struct {
	Joined bool
	At     events.Position // of the last change
}

// Apply implements State.
func (m Membership) Apply(e events.Recorded) Membership {
	switch e.Event.(type) {
	case events.AgentJoinedServer, events.RoomJoined:
		return Membership{Joined: true, At: e.Position}
	case events.AgentLeftServer:
		return Membership{At: e.Position}
	}
	return m
}

// latest returns the one that changed last.
func (m Membership) latest(other Membership) Membership {
	if other.At > m.At {
		return other
	}
	return m
}
