package commands

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"annals/events"
)

// foldsKept bounds the folds that are kept, per kind.
const foldsKept = 16384

// States answers what the streams of agents, servers, channels, worlds, rooms and entities fold to, from a bounded cache that
// the feed refreshes. It is safe for concurrent use.
type States struct {
	store    events.Store
	agents   folds[Agent]
	servers  folds[Server]
	channels folds[Channel]
	worlds   folds[World]
	rooms    folds[Room]
	entities folds[Entity]
}

// NewStates reads what it does not hold from the store.
func NewStates(store events.Store) *States {
	return &States{
		store:    store,
		agents:   newFolds[Agent](store, foldsKept),
		servers:  newFolds[Server](store, foldsKept),
		channels: newFolds[Channel](store, foldsKept),
		worlds:   newFolds[World](store, foldsKept),
		rooms:    newFolds[Room](store, foldsKept),
		entities: newFolds[Entity](store, foldsKept),
	}
}

// Agent is the agent's fold; that of no events when there is none.
func (p *States) Agent(ctx context.Context, id uuid.UUID) (Agent, error) {
	return p.agents.get(ctx, events.AgentStream(id))
}

// Server is the server's fold; that of no events when there is none.
func (p *States) Server(ctx context.Context, id uuid.UUID) (Server, error) {
	return p.servers.get(ctx, events.ServerStream(id))
}

// Channel is the channel's fold; that of no events when there is none.
func (p *States) Channel(ctx context.Context, id uuid.UUID) (Channel, error) {
	return p.channels.get(ctx, events.ChannelStream(id))
}

// World is the world's fold; that of no events when there is none.
func (p *States) World(ctx context.Context, id uuid.UUID) (World, error) {
	return p.worlds.get(ctx, events.WorldStream(id))
}

// Room is the room's fold; that of no events when there is none.
func (p *States) Room(ctx context.Context, id uuid.UUID) (Room, error) {
	return p.rooms.get(ctx, events.RoomStream(id))
}

// Entity is the entity's fold; that of no events when there is none.
func (p *States) Entity(ctx context.Context, id uuid.UUID) (Entity, error) {
	return p.entities.get(ctx, events.EntityStream(id))
}

// Message is the message's fold as it is in the log: there are too many to keep.
func (p *States) Message(ctx context.Context, id uuid.UUID) (Message, error) {
	return Load[Message](ctx, Env{Store: p.store}, events.MessageStream(id))
}

// Memory is the memory's fold as it is in the log.
func (p *States) Memory(ctx context.Context, id uuid.UUID) (Memory, error) {
	return Load[Memory](ctx, Env{Store: p.store}, events.MemoryStream(id))
}

// RemembersNow tells whether a memory is there, after all that happened to what it belongs to.
func (p *States) RemembersNow(ctx context.Context, id uuid.UUID) (bool, error) {
	m, err := p.Memory(ctx, id)
	if err != nil {
		return false, err
	}
	return m.alive(ctx, p)
}

// RoomNow is the room's fold, and that of no events where the room is gone with what it belongs to.
func (p *States) RoomNow(ctx context.Context, id uuid.UUID) (Room, error) {
	r, err := p.Room(ctx, id)
	if err != nil {
		return r, err
	}
	if there, err := r.alive(ctx, p); err != nil || !there {
		return Room{}, err
	}
	return r, nil
}

// WorldNow is the world's fold, and that of no events where the world is gone with its agent.
func (p *States) WorldNow(ctx context.Context, id uuid.UUID) (World, error) {
	w, err := p.World(ctx, id)
	if err != nil {
		return w, err
	}
	if there, err := w.alive(ctx, p); err != nil || !there {
		return World{}, err
	}
	return w, nil
}

// EntityNow is the entity's fold, and that of no events where it is gone with its agent.
func (p *States) EntityNow(ctx context.Context, id uuid.UUID) (Entity, error) {
	n, err := p.Entity(ctx, id)
	if err != nil {
		return n, err
	}
	if a, err := p.Agent(ctx, n.AgentID); err != nil || n.Seen <= a.Deleted {
		return Entity{}, err
	}
	return n, nil
}

func (p *States) agentExists(ctx context.Context, id uuid.UUID) error {
	a, err := p.Agent(ctx, id)
	if err == nil && !a.Exists {
		err = noAgent(id)
	}
	return err
}

// Observe takes note of a recorded fact. Facts of one stream come in order; one seen before is ignored. Folds may hold what a
// subject that is erased has said: all are let go of.
func (p *States) Observe(e events.Recorded) {
	switch e.Stream.Category() {
	case "subject":
		p.agents.kept.Purge()
		p.servers.kept.Purge()
		p.channels.kept.Purge()
		p.worlds.kept.Purge()
		p.rooms.kept.Purge()
		p.entities.kept.Purge()
	case "agent":
		p.agents.observe(e)
	case "server":
		p.servers.observe(e)
	case "channel":
		p.channels.observe(e)
	case "world":
		p.worlds.observe(e)
	case "room":
		p.rooms.observe(e)
	case "entity":
		p.entities.observe(e)
	}
}

// appended takes note of what this process wrote itself, before the feed brings it back.
func (p *States) appended(s events.StreamID, after events.Revision, last events.Position, facts []events.Proposed) {
	for i, f := range facts {
		p.Observe(events.Recorded{
			ID: f.ID, Stream: s, Revision: uint64(int(after) + 1 + i), Position: last, Event: f.Event, Meta: f.Meta,
		})
	}
}

// folds is the cache of one kind. A miss is read from the store without the lock held; seen remembers how far each stream
// is known to reach, so that a fold read before the newest fact is not kept.
type folds[S State[S]] struct {
	store events.Store
	mu    *sync.Mutex
	kept  *lru.Cache[events.StreamID, fold[S]]
	seen  *lru.Cache[events.StreamID, events.Revision]
}

type fold[S any] struct {
	state    S
	revision events.Revision
}

func newFolds[S State[S]](store events.Store, most int) folds[S] {
	kept, err := lru.New[events.StreamID, fold[S]](most)
	if err != nil {
		panic(err) // only for a size below one
	}
	seen, err := lru.New[events.StreamID, events.Revision](most)
	if err != nil {
		panic(err)
	}
	return folds[S]{store: store, mu: new(sync.Mutex), kept: kept, seen: seen}
}

func (f folds[S]) get(ctx context.Context, s events.StreamID) (S, error) {
	f.mu.Lock()
	k, ok := f.kept.Get(s)
	f.mu.Unlock()
	if ok {
		return k.state, nil
	}
	h := history[S]{revision: events.NoStream}
	if err := h.load(ctx, f.store, s); err != nil {
		return h.state, fmt.Errorf("look at %s: %w", s, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if k, ok := f.kept.Peek(s); ok && k.revision > h.revision {
		return k.state, nil
	}
	if reached, ok := f.seen.Get(s); !ok || h.revision >= reached {
		f.kept.Add(s, fold[S]{state: h.state, revision: h.revision})
	}
	return h.state, nil
}

func (f folds[S]) observe(e events.Recorded) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if reached, ok := f.seen.Peek(e.Stream); !ok || events.Revision(e.Revision) > reached {
		f.seen.Add(e.Stream, events.Revision(e.Revision))
	}
	k, ok := f.kept.Peek(e.Stream)
	_, unknown := e.Event.(events.Unknown)
	switch {
	case !ok || events.Revision(e.Revision) <= k.revision:
	case events.Revision(e.Revision) == k.revision+1 && !unknown:
		f.kept.Add(e.Stream, fold[S]{state: k.state.Apply(e), revision: k.revision + 1})
	default: // a fact is missing in between, or cannot be read: look at the stream when it is asked for
		f.kept.Remove(e.Stream)
	}
}
