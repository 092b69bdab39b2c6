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

// membershipsKept bounds the folds of memberships, which are small and many.
const membershipsKept = 4 * foldsKept

// States answers what the streams of agents, servers, memberships, channels, worlds, rooms and entities fold to, from a bounded cache that
// the feed refreshes. It is safe for concurrent use.
type States struct {
	store       events.Store
	agents      folds[Agent]
	servers     folds[Server]
	memberships folds[Membership]
	channels    folds[Channel]
	worlds      folds[World]
	rooms       folds[Room]
	entities    folds[Entity]
	times       *channelTimes
	assumed     *assumptions
}

// NewStates reads what it does not hold from the store.
func NewStates(store events.Store) *States {
	return &States{
		store:       store,
		agents:      newFolds[Agent](store, foldsKept),
		servers:     newFolds[Server](store, foldsKept),
		memberships: newFolds[Membership](store, membershipsKept),
		channels:    newFolds[Channel](store, foldsKept),
		worlds:      newFolds[World](store, foldsKept),
		rooms:       newFolds[Room](store, foldsKept),
		entities:    newFolds[Entity](store, foldsKept),
		times:       newChannelTimes(foldsKept),
	}
}

// Agent is the agent's fold; that of no events when there is none.
func (s *States) Agent(ctx context.Context, id uuid.UUID) (Agent, error) {
	return foldOf(ctx, s, s.agents, events.AgentStream(id))
}

// Server is the server's fold; that of no events when there is none.
func (s *States) Server(ctx context.Context, id uuid.UUID) (Server, error) {
	return foldOf(ctx, s, s.servers, events.ServerStream(id))
}

// membership is the fold of an agent's or an entity's membership; that of no events when there is none.
func (s *States) membership(ctx context.Context, stream events.StreamID) (Membership, error) {
	return foldOf(ctx, s, s.memberships, stream)
}

// member reports whether an agent is a member of a server, where the stream of the membership folds to m. It fails with
// ErrNotFound if there is no such server.
func (s *States) member(ctx context.Context, server, agent uuid.UUID, m Membership) (bool, error) {
	known, err := s.Server(ctx, server)
	if err != nil {
		return false, err
	}
	if !known.Exists {
		return false, noServer(server)
	}
	a, err := s.Agent(ctx, agent)
	return known.hears(agent, a, m), err
}

// Channel is the channel's fold; one that does not exist when there is none, or it is gone with its server.
func (s *States) Channel(ctx context.Context, id uuid.UUID) (Channel, error) {
	c, err := foldOf(ctx, s, s.channels, events.ChannelStream(id))
	if err != nil || !c.Exists {
		return c, err
	}
	there, err := c.alive(ctx, s)
	if !there {
		c = Channel{Life: c.end()}
	}
	return c, err
}

// KnownDead reports whether a child of a channel that was recorded at a position is known to be dead, without a look at the log.
func (s *States) KnownDead(channel uuid.UUID, at events.Position) bool {
	c, known := s.channels.peek(events.ChannelStream(channel))
	if !known {
		return false
	}
	if server, known := s.servers.peek(events.ServerStream(c.ServerID)); known && c.Exists && !server.holds(c.made) {
		return true
	}
	return !c.keeps(at)
}

// World is the world's fold; that of no events when there is none.
func (s *States) World(ctx context.Context, id uuid.UUID) (World, error) {
	return foldOf(ctx, s, s.worlds, events.WorldStream(id))
}

// Room is the room's fold; that of no events when there is none.
func (s *States) Room(ctx context.Context, id uuid.UUID) (Room, error) {
	return foldOf(ctx, s, s.rooms, events.RoomStream(id))
}

// Entity is the entity's fold; that of no events when there is none.
func (s *States) Entity(ctx context.Context, id uuid.UUID) (Entity, error) {
	return foldOf(ctx, s, s.entities, events.EntityStream(id))
}

// Message is the message's fold as it is in the log: there are too many to keep.
func (s *States) Message(ctx context.Context, id uuid.UUID) (Message, error) {
	return Load[Message](ctx, Env{Store: s.store, assumed: s.assumed}, events.MessageStream(id))
}

// Memory is the memory's fold as it is in the log.
func (s *States) Memory(ctx context.Context, id uuid.UUID) (Memory, error) {
	return Load[Memory](ctx, Env{Store: s.store, assumed: s.assumed}, events.MemoryStream(id))
}

// agentInLog is the agent's fold as it is in the log, whatever the cache holds.
// Remembered reports whether a memory is there, after what happened to all that it belongs to.
func (s *States) Remembered(ctx context.Context, id uuid.UUID) (bool, error) {
	m, err := s.Memory(ctx, id)
	if err != nil {
		return false, err
	}
	return m.alive(ctx, s)
}

func (s *States) agentInLog(ctx context.Context, id uuid.UUID) (Agent, error) {
	return Load[Agent](ctx, Env{Store: s.store, assumed: s.assumed}, events.AgentStream(id))
}

// MessageNow is the message's fold, and that of no events where the message is gone with its channel.
func (s *States) MessageNow(ctx context.Context, id uuid.UUID) (Message, error) {
	m, err := s.Message(ctx, id)
	if err != nil {
		return m, err
	}
	if there, err := m.alive(ctx, s); err != nil || !there {
		return Message{}, err
	}
	return m, nil
}

// RoomNow is the room's fold, and that of no events where the room is gone with what it belongs to.
func (s *States) RoomNow(ctx context.Context, id uuid.UUID) (Room, error) {
	r, err := s.Room(ctx, id)
	if err != nil {
		return r, err
	}
	if there, err := r.alive(ctx, s); err != nil || !there {
		return Room{}, err
	}
	return r, nil
}

func (s *States) agentExists(ctx context.Context, id uuid.UUID) error {
	a, err := s.Agent(ctx, id)
	if err == nil && !a.Exists {
		err = noAgent(id)
	}
	return err
}

func (s *States) agentRuns(ctx context.Context, id uuid.UUID) error {
	a, err := s.Agent(ctx, id)
	if err == nil && !a.Running {
		err = noAgent(id)
	}
	return err
}

// Observe takes note of a recorded fact. Facts of one stream come in order; one seen before is ignored. Folds may hold what a
// subject that is erased has said: all are let go of.
func (s *States) Observe(e events.Recorded) {
	switch e.Stream.Category() {
	case "subject":
		s.agents.kept.Purge()
		s.servers.kept.Purge()
		s.channels.kept.Purge()
		s.worlds.kept.Purge()
		s.rooms.kept.Purge()
		s.entities.kept.Purge()
	case "agent":
		s.agents.observe(e)
	case "server":
		s.servers.observe(e)
	case "membership":
		s.memberships.observe(e)
	case "channel":
		s.channels.observe(e)
	case "world":
		s.worlds.observe(e)
	case "message":
		if said, ok := e.Event.(events.MessageSubmitted); ok {
			s.times.saw(said.ChannelID, e.Meta.At)
		}
	case "room":
		s.rooms.observe(e)
	case "entity":
		s.entities.observe(e)
	}
}

// assuming shares what is cached, and lets the streams go on with assumed facts.
func (s *States) assuming(a *assumptions) *States {
	with := *s
	with.assumed = a
	return &with
}

// foldOf is what a stream folds to, with the facts that it is assumed to go on with.
func foldOf[S State[S]](ctx context.Context, states *States, f folds[S], s events.StreamID) (S, error) {
	known, err := f.get(ctx, s)
	for _, e := range states.assumed.of(s, known.revision+1) {
		known.state = known.state.Apply(e)
	}
	return known.state, err
}

// appended takes note of what this process wrote itself, before the feed brings it back.
func (s *States) appended(stream events.StreamID, after events.Revision, last events.Position, facts []events.Proposed) {
	for i, f := range facts {
		s.Observe(events.Recorded{
			ID: f.ID, Stream: stream, Revision: uint64(int(after) + 1 + i), Position: last, Event: f.Event, Meta: f.Meta,
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

func (f folds[S]) get(ctx context.Context, s events.StreamID) (fold[S], error) {
	f.mu.Lock()
	k, ok := f.kept.Get(s)
	f.mu.Unlock()
	if ok {
		return k, nil
	}
	h, err := LoadStream[S](ctx, Env{Store: f.store}, s)
	if err != nil {
		return k, fmt.Errorf("look at %s: %w", s, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if k, ok := f.kept.Peek(s); ok && k.revision > h.revision {
		return k, nil
	}
	k = fold[S]{state: h.state, revision: h.revision}
	if reached, ok := f.seen.Get(s); !ok || h.revision >= reached {
		f.kept.Add(s, k)
	}
	return k, nil
}

// peek returns a fold that is kept.
func (f folds[S]) peek(s events.StreamID) (S, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k, ok := f.kept.Peek(s)
	return k.state, ok
}

// endsThing reports whether a fact leaves nothing of what was recorded before it in the fold.
func endsThing(fact events.Event) bool {
	switch fact.(type) {
	case events.ChannelDeleted, events.ServerDeleted:
		return true
	}
	return false
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
	case !ok && endsThing(e.Event):
		f.kept.Add(e.Stream, fold[S]{state: k.state.Apply(e), revision: events.Revision(e.Revision)})
	case !ok || events.Revision(e.Revision) <= k.revision:
	case events.Revision(e.Revision) == k.revision+1 && !unknown:
		f.kept.Add(e.Stream, fold[S]{state: k.state.Apply(e), revision: k.revision + 1})
	default: // a fact is missing in between, or cannot be read: look at the stream when it is asked for
		f.kept.Remove(e.Stream)
	}
}
