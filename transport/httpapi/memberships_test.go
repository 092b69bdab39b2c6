package httpapi_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"annals/events"
	"annals/transport/httpapi/httpapitest"
)

func TestManyAgentsAreStartedAtOnce(t *testing.T) {
	t.Parallel()
	const agents = 32
	s := serve(t)
	var ids []string
	for i := range agents {
		ids = append(ids, s.newAgent(fmt.Sprintf("Agent %d", i)))
	}
	answers := make([]httpapitest.Answer, agents)
	var starting sync.WaitGroup
	for i, id := range ids {
		starting.Go(func() { answers[i] = s.Ask("POST", "/api/agents/"+id+"/start", nil) })
	}
	starting.Wait()
	for _, a := range answers {
		if a.Is(200); a.Text("status") != "active" {
			t.Errorf("started: %s", a.Body)
		}
	}
	if n := len(s.stream(events.ServerStream(events.DefaultServer))); n != 1 {
		t.Errorf("the stream of the server has %d events", n)
	}
}

// stream is what was recorded in one stream.
func (s *fixture) stream(id events.StreamID) (all []events.Recorded) {
	s.T.Helper()
	for e, err := range s.Store.Read(s.T.Context(), id, events.Forwards) {
		must(s.T, err)
		all = append(all, e)
	}
	return all
}

// A log of an earlier build has the memberships in the streams of the servers.
func TestMembershipsOfAnOldLogCountAsBefore(t *testing.T) {
	t.Parallel()
	s := serve(t)
	server, member, guest := uuid.New(), mustID(t, s.newAgent("Member")), mustID(t, s.newAgent("Guest"))
	old := events.ServerStream(server)
	var facts []events.Proposed
	for _, e := range []events.Event{
		events.ServerCreated{ServerID: server, Name: "Guild", SourceType: "discord"},
		events.AgentJoinedServer{ServerID: server, AgentID: member},
		events.AgentJoinedServer{ServerID: server, AgentID: guest},
		events.AgentLeftServer{ServerID: server, AgentID: guest},
	} {
		facts = append(facts, events.Proposed{ID: uuid.New(), Event: e, Meta: events.Metadata{At: time.Now().UTC(), Actor: "cli"}})
	}
	_, err := s.Store.Append(t.Context(), old, events.NoStream, facts...)
	must(t, err)
	s.CaughtUp()
	path := "/api/messaging/servers/" + server.String() + "/agents"
	members := func(when string, want ...uuid.UUID) {
		t.Helper()
		var found struct{ Agents []uuid.UUID }
		s.Ask("GET", path, nil).Is(200).Data(&found)
		if !slices.Equal(found.Agents, want) {
			t.Errorf("%s, the members are %v, not %v", when, found.Agents, want)
		}
	}
	members("at first", member)
	before := s.Head()
	s.Ask("POST", path, fields{"agentId": member.String()}).Is(201)
	if s.Head() != before {
		t.Error("who is a member joins again")
	}
	s.Ask("POST", path, fields{"agentId": guest.String()}).Is(201)
	members("after the guest joined", member, guest)
	s.Ask("DELETE", path+"/"+member.String(), nil).Is(200)
	members("after the member left", guest)
	s.Ask("POST", path, fields{"agentId": member.String()}).Is(201)
	members("after the member came back", guest, member)
	if n := len(s.stream(old)); n != len(facts) {
		t.Errorf("the stream of the server grew to %d events", n)
	}
	if n := len(s.stream(events.MembershipStream(server, member))); n != 2 {
		t.Errorf("the stream of the membership has %d events", n)
	}
}
