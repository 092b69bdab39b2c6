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
