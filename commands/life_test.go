package commands

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"annals/commands/livestest"
	"annals/events"
	"annals/events/esdb/esdbtest"
)

// folded reports what the folds of a log say of a history in it.
func folded(ctx context.Context, store events.Store, l *livestest.Lives, what string) (bool, error) {
	states := NewStates(store)
	id := l.ID(what)
	switch what {
	case "channel":
		c, err := states.Channel(ctx, id)
		return c.Exists, err
	case "world":
		w, err := states.World(ctx, id)
		if err != nil {
			return false, err
		}
		return w.alive(ctx, states)
	case "room":
		r, err := states.RoomNow(ctx, id)
		return r.Exists, err
	case "message":
		m, err := states.MessageNow(ctx, id)
		return m.Exists, err
	case "membership":
		return isMember(ctx, states, l.ID("server"), l.ID("agent"))
	case "occupant":
		room, entity := l.ID("room"), l.ID("agent")
		r, err := states.RoomNow(ctx, room)
		if err != nil {
			return false, err
		}
		m, err := states.membership(ctx, events.OccupancyStream(room, entity))
		return r.Exists && r.has(entity, m), err
	case "entity":
		n, err := states.Entity(ctx, id)
		if err != nil {
			return false, err
		}
		return n.alive(ctx, states)
	case "session":
		s, err := LoadSession(ctx, Env{Store: store, States: states}, id)
		return s.Exists, err
	case "memory", "note":
		m, err := states.Memory(ctx, id)
		if err != nil {
			return false, err
		}
		return m.alive(ctx, states)
	default:
		f, err := Load[File](ctx, Env{Store: store}, events.FileStream(id))
		if err != nil {
			return false, err
		}
		return f.alive(ctx, states)
	}
}

// isMember asks as a message does: the server may never have been made.
func isMember(ctx context.Context, states *States, server, agent uuid.UUID) (bool, error) {
	s, err := states.Server(ctx, server)
	if err != nil {
		return false, err
	}
	a, err := states.Agent(ctx, agent)
	if err != nil {
		return false, err
	}
	m, err := states.membership(ctx, events.MembershipStream(server, agent))
	return s.hears(agent, a, m), err
}

func TestWhatComesAfterTheEndOfItsParentIsDead(t *testing.T) {
	t.Parallel()
	log := esdbtest.New(t)
	rapid.Check(t, func(rt *rapid.T) {
		l := livestest.New(log)
		steps := map[string]func(*rapid.T){}
		for name, step := range l.Steps() {
			steps[name] = func(*rapid.T) { step() }
		}
		rt.Repeat(steps)
		for _, what := range livestest.Mortal {
			got, err := folded(t.Context(), log.Store, l, what)
			if want := l.Alive(what); err != nil || got != want {
				rt.Errorf("the %s: alive is %v, not %v: %v", what, got, want, err)
			}
		}
	})
}

// A world or a room that is gone with its agent is created again on a stream that never ended: what belongs to it by then stays.
func TestWhatIsCreatedAgainWithoutAnEndKeepsItsChildren(t *testing.T) {
	t.Parallel()
	log := esdbtest.New(t)
	for name, history := range map[string]struct {
		steps []string
		child string
	}{
		"a room of a world": {[]string{
			"agent created", "world created", "world deleted", "world created", "agent deleted", "agent created", "room created", "world created",
		}, "room"},
		"a memory of a room": {[]string{
			"agent created", "room created", "room deleted", "room created", "agent deleted", "agent created", "note stored", "room created",
		}, "note"},
		"a memory of a world": {[]string{
			"agent created", "world created", "world deleted", "world created", "agent deleted", "agent created", "note stored", "world created",
		}, "note"},
	} {
		l := livestest.New(log)
		steps := l.Steps()
		for _, step := range history.steps {
			steps[step]()
		}
		if got, err := folded(t.Context(), log.Store, l, history.child); err != nil || !got || !l.Alive(history.child) {
			t.Errorf("%s: alive is %v in the folds and %v in the model: %v", name, got, l.Alive(history.child), err)
		}
	}
}
