package queries_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"annals/events"
	"annals/queries"
)

func TestMembersArePagedBothWaysWithoutGapOrRepeat(t *testing.T) {
	t.Parallel()
	g := start(t)
	first := []uuid.UUID{id(9), id(2), id(7)} // in the order of joining, not of ids
	g.happened(events.ChannelStream(id(1)), events.ChannelCreated{ChannelID: id(1), Type: "GROUP", Participants: first})
	g.happened(events.ChannelStream(id(1)), events.ParticipantJoined{ChannelID: id(1), ParticipantID: id(3)})
	g.happened(events.ChannelStream(id(1)), events.ParticipantJoined{ChannelID: id(1), ParticipantID: id(8)})
	for n := byte(1); n <= 5; n++ {
		g.happened(events.ServerStream(id(n)), events.ServerCreated{ServerID: id(n), Name: "s", SourceType: "t"})
		g.happened(events.ServerStream(id(n)), events.AgentJoinedServer{ServerID: id(n), AgentID: id(6)})
	}
	all := append(first, id(3), id(8))
	for _, c := range []struct {
		page queries.Members
		want []uuid.UUID
	}{
		{queries.Members{Limit: queries.MaxLimit}, all},
		{queries.Members{Limit: 2}, all[:2]},
		{queries.Members{Limit: 2, After: all[1]}, all[2:4]},
		{queries.Members{Limit: 2, After: all[3]}, all[4:]},
		{queries.Members{Limit: 2, Before: all[3]}, all[1:3]},
		{queries.Members{Limit: 9, After: all[0], Before: all[4]}, all[1:4]},
		{queries.Members{}, nil},
	} {
		got, total, err := g.Participants(g.ctx, id(1), c.page)
		if err != nil || total != len(all) || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v of %d, %v", c.page, got, total, err)
		}
	}
	if _, _, err := g.Participants(g.ctx, id(1), queries.Members{Limit: 1, After: id(5)}); !errors.Is(err, queries.ErrNotFound) {
		t.Errorf("after somebody who is not there: %v", err)
	}
	got, total, err := g.AgentServers(g.ctx, id(6), queries.Members{Limit: 2, After: id(2)})
	if err != nil || total != 5 || !slices.Equal(got, []uuid.UUID{id(3), id(4)}) {
		t.Errorf("servers: %v of %d, %v", got, total, err)
	}
	if got, total, err := g.ServerAgents(g.ctx, id(5), queries.Members{Limit: 2}); err != nil || total != 1 || !slices.Equal(got, []uuid.UUID{id(6)}) {
		t.Errorf("agents: %v of %d, %v", got, total, err)
	}
}

func TestMembersAreTheSameInWhicheverStreamTheyJoined(t *testing.T) {
	t.Parallel()
	g := start(t)
	const server, eliza, parry, guest = 1, 2, 3, 4
	created := events.ServerCreated{ServerID: id(server), Name: "s", SourceType: "t"}
	joins := func(agent byte) events.Event {
		return events.AgentJoinedServer{ServerID: id(server), AgentID: id(agent)}
	}
	leaves := func(agent byte) events.Event { return events.AgentLeftServer{ServerID: id(server), AgentID: id(agent)} }
	own := func(agent byte) events.StreamID { return events.MembershipStream(id(server), id(agent)) }
	members := func(when string, want ...uuid.UUID) {
		t.Helper()
		got, total, err := g.ServerAgents(g.ctx, id(server), queries.Members{Limit: 9})
		if err != nil || total != len(want) || !slices.Equal(got, want) {
			t.Errorf("%s, the members are %v of %d, %v", when, got, total, err)
		}
	}
	revision := func(want uint64) {
		t.Helper()
		if s, err := g.Server(g.ctx, id(server)); err != nil || s.Revision != want {
			t.Errorf("the server is at revision %d, not %d: %v", s.Revision, want, err)
		}
	}
	g.happened(events.ServerStream(id(server)), created, joins(eliza), joins(guest), leaves(guest))
	members("of an old log", id(eliza))
	revision(3)
	g.happened(own(parry), joins(parry))
	g.happened(own(guest), joins(guest))
	members("after more joined", id(eliza), id(parry), id(guest))
	g.happened(own(eliza), leaves(eliza))
	members("after the first left", id(parry), id(guest))
	revision(3)
	g.happened(events.AgentStream(id(guest)), events.AgentDeleted{AgentID: id(guest)})
	g.happened(own(guest), joins(guest)) // it was admitted before
	members("after one was deleted", id(parry))
	g.happened(events.AgentStream(id(guest)), events.AgentCreated{AgentID: id(guest)})
	members("after it was created again", id(parry))
	g.happened(own(guest), joins(guest))
	members("after that joined", id(parry), id(guest))
	g.happened(events.ServerStream(id(server)), events.ServerDeleted{ServerID: id(server)})
	g.happened(own(parry), joins(parry))
	members("after the server was deleted")
	g.happened(events.ServerStream(id(server)), created)
	members("after it was created again")
	g.happened(own(parry), joins(parry))
	members("after one joined it", id(parry))
}

func TestOccupantsAreTheSameInWhicheverStreamTheyJoined(t *testing.T) {
	t.Parallel()
	g := start(t)
	const room, agent, alice, bob = 1, 2, 3, 4
	created := events.RoomCreated{RoomID: id(room), AgentID: id(agent), Type: "DM", Entities: []uuid.UUID{id(agent)}}
	joins := func(entity byte) events.Event {
		return events.RoomJoined{RoomID: id(room), AgentID: id(agent), EntityID: id(entity)}
	}
	occupants := func(when string, want ...uuid.UUID) {
		t.Helper()
		got, err := g.EveryRoom(g.ctx, id(agent), 0, 9)
		if err != nil || len(got) != 1 || !slices.Equal(got[0].Entities, want) {
			t.Errorf("%s, there are %+v, %v", when, got, err)
		}
	}
	g.happened(events.RoomStream(id(room)), created, joins(alice))
	g.happened(events.OccupancyStream(id(room), id(bob)), joins(bob))
	occupants("at first", id(agent), id(alice), id(bob))
	g.happened(events.RoomStream(id(room)), events.RoomDeleted{RoomID: id(room), AgentID: id(agent)})
	g.happened(events.OccupancyStream(id(room), id(bob)), joins(bob)) // it was admitted before
	g.happened(events.RoomStream(id(room)), created)
	occupants("in another room of that id", id(agent))
	g.happened(events.OccupancyStream(id(room), id(bob)), joins(bob))
	occupants("after one joined that", id(agent), id(bob))
	if r, err := g.Room(g.ctx, id(agent), id(room)); err != nil || r.Revision != 3 {
		t.Errorf("the room is %+v, %v", r, err)
	}
}
